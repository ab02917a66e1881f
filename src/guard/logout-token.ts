import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type EpochMs, epochMs } from '../core/brand.ts';
import { CodedError } from '../core/coded-error.ts';
import { isIdentifier } from './claims.ts';
import { type CompactToken, hashOfSigned } from './compact-token.ts';
import { isJsonObject } from './json-object.ts';
import { numericDateMs } from './numeric-date.ts';
import { readAudiences } from './policy.ts';
import type { RevocationTarget } from './revocation.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** The issuer's clock may be a little ahead also where no skew is granted; `iat` is mostly in whole seconds. */
const ROUNDING_MS = 1_000;

/** What a logout token says once it is believed. */
export interface Logout {
  readonly targets: readonly RevocationTarget[];
  readonly issuedAt: EpochMs;
  /** From then on it would be refused for its age. */
  readonly expiresAt: EpochMs;
  /** `jti` */
  readonly id: string;
  /** Of header and payload: two tokens may say the same `jti`. */
  readonly tokenHash: string;
}

/** A refused logout token. The message names the claim and the rule, never a value. */
export class LogoutTokenError extends CodedError<'bad_logout_token'> {
  constructor(message: string) {
    super('bad_logout_token', message);
  }
}

/**
 * The rules of OpenID Connect Back-Channel Logout 1.0, section 2.6, but for the signature (steps 1 and 2) and for
 * repetition (step 8).
 *
 * @throws LogoutTokenError
 */
export function judgeLogout(spec: JwtGuardSpec, token: CompactToken, now: EpochMs): Logout {
  const { claims, type } = token;
  // Section 2.4 recommends the type; one that says it is something else is not mistaken for a logout (RFC 8725, 3.11).
  if (type !== undefined && !/^(application\/)?(logout\+jwt|jwt)$/i.test(String(type))) {
    refuse('typ: must be logout+jwt');
  }
  // Step 3: `iss`, `aud`, `iat` and `exp` as in an ID token.
  if (claims['iss'] !== spec.issuer) refuse("iss: must be the guard's issuer");
  const accepted = spec.logout?.audiences ?? spec.audiences;
  if (readAudiences(claims['aud'])?.some((each) => accepted.includes(each)) !== true) {
    refuse("aud: must hold one of the guard's logout.audiences");
  }
  const times = judgeTimes(spec, claims, now);
  // Step 4.
  const { sub, sid, jti, events } = claims;
  if (sub === undefined && sid === undefined) refuse('sub, sid: at least one of them is required');
  if (sub !== undefined && !isIdentifier(sub)) refuse('sub: must be a string of 1 to 256 characters');
  if (sid !== undefined && !isIdentifier(sid)) refuse('sid: must be a string of 1 to 256 characters');
  // Step 5.
  if (!isJsonObject(events) || !Object.hasOwn(events, EVENT) || !isJsonObject(events[EVENT])) {
    refuse(`events: must be an object that holds ${EVENT} with an object`);
  }
  // Step 6: what has a nonce is an ID token.
  if (Object.hasOwn(claims, 'nonce')) refuse('nonce: must not be there');
  if (!isIdentifier(jti)) refuse('jti: must be a string of 1 to 256 characters');
  return { ...times, id: jti, tokenHash: hashOfSigned(token), targets: targetsOf(sub, sid) };
}

function judgeTimes(spec: JwtGuardSpec, claims: CompactToken['claims'], now: EpochMs) {
  const [exp, iat, nbf] = ['exp', 'iat', 'nbf'].map((name) => {
    const time = numericDateMs(claims[name]);
    if (time === undefined && claims[name] !== undefined) refuse(`${name}: must be a number of seconds`);
    return time;
  });
  if (exp === undefined) refuse('exp: is required');
  if (iat === undefined) refuse('iat: is required');
  const { clockSkew } = spec;
  if (now >= exp + clockSkew) refuse('exp: must not be past');
  if (iat > now + Math.max(clockSkew, ROUNDING_MS)) refuse('iat: must not be to come');
  if (nbf !== undefined && now < nbf - clockSkew) refuse('nbf: must not be to come');
  return { issuedAt: epochMs(Math.floor(iat)), expiresAt: epochMs(Math.ceil(exp + clockSkew)) };
}

/**
 * With `sid`, that session alone (section 2.4); tokens of the subject that do not say their session may be of it, and
 * nobody could tell, so they are meant too. Without, every session of the subject.
 */
function targetsOf(sub: string | undefined, sid: string | undefined): readonly RevocationTarget[] {
  if (sid === undefined) return sub === undefined ? [] : [{ kind: 'sub', value: sub }];
  const session: RevocationTarget = { kind: 'sid', value: sid };
  return sub === undefined ? [session] : [session, { kind: 'subWithoutSid', value: sub }];
}

function refuse(message: string): never {
  throw new LogoutTokenError(message);
}
