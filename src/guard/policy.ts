import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type EpochMs, epochMs } from '../core/brand.ts';
import { type Bearer, isStrings, readBearer } from './claims.ts';
import type { JsonObject } from './json-object.ts';
import { numericDateMs } from './numeric-date.ts';
import type { TokenErrorCode } from './token-error.ts';

/** What is known of a token whose signature has been verified; enough to judge it again without having it. */
export interface Evidence {
  readonly claims: JsonObject;
  readonly algorithm: string;
  /** RFC 7638. */
  readonly keyThumbprint: string;
}

/** Whether the guard has this key now, and for this algorithm. */
export type TrustsKey = (thumbprint: string, algorithm: string) => boolean;

/** What a token that passes is worth. */
export interface Validity extends Bearer, Times {}

interface Times {
  /** `exp`, rounded down, so that a fraction never makes a stream longer. */
  readonly expiresAt: EpochMs;
  readonly closeAt: EpochMs;
  readonly issuedAt: EpochMs | undefined;
}

/** The rules for fresh tokens and for running streams alike; the code says which rule is broken first. */
export function judge(
  spec: JwtGuardSpec,
  trusts: TrustsKey,
  { claims, algorithm, keyThumbprint }: Evidence,
  now: EpochMs,
): Validity | TokenErrorCode {
  if (!spec.algorithms.some((each) => each === algorithm)) return 'algorithm';
  if (!trusts(keyThumbprint, algorithm)) return 'unknown_key';
  const party = judgeParties(spec, claims);
  if (party !== undefined) return party;
  const times = judgeTimes(spec, claims, now);
  if (typeof times === 'string') return times;
  const bearer = readBearer(claims, spec.claims);
  return bearer === undefined ? 'malformed' : { ...bearer, ...times };
}

/** RFC 7519, sections 4.1.1 and 4.1.3: exact strings, no normalisation of URLs. */
function judgeParties(spec: JwtGuardSpec, { iss, aud }: JsonObject): TokenErrorCode | undefined {
  if (iss !== undefined && typeof iss !== 'string') return 'malformed';
  if (iss !== spec.issuer) return 'wrong_issuer';
  const audiences = readAudiences(aud);
  if (audiences === undefined) return 'malformed';
  return audiences.some((each) => spec.audiences.includes(each)) ? undefined : 'wrong_audience';
}

/** @returns `undefined` when it is neither a string nor a list of strings */
export function readAudiences(aud: unknown): readonly string[] | undefined {
  if (aud === undefined) return [];
  if (typeof aud === 'string') return [aud];
  return isStrings(aud) ? aud : undefined;
}

/** `iat` is mostly in whole seconds. One further ahead does not make a long life short. */
const ROUNDING_MS = 1_000;

/** Valid while `nbf - skew <= now < exp + skew`. Without `exp` a stream could never end: refused. */
function judgeTimes(spec: JwtGuardSpec, claims: JsonObject, now: EpochMs): Times | TokenErrorCode {
  const exp = numericDateMs(claims['exp']);
  const nbf = numericDateMs(claims['nbf']);
  const iat = numericDateMs(claims['iat']);
  if (exp === undefined) return 'malformed';
  if (nbf === undefined && claims['nbf'] !== undefined) return 'malformed';
  if (iat === undefined && claims['iat'] !== undefined) return 'malformed';
  const expiresAt = Math.floor(exp);
  const closeAt = expiresAt + spec.clockSkew;
  if (now >= closeAt) return 'expired';
  if (nbf !== undefined && now < nbf - spec.clockSkew) return 'not_yet_valid';
  const since = Math.min(iat ?? now, now + Math.max(spec.clockSkew, ROUNDING_MS));
  if (spec.maxTokenLifetime !== undefined && exp - since > spec.maxTokenLifetime) return 'too_long_lived';
  return {
    expiresAt: epochMs(expiresAt),
    closeAt: epochMs(closeAt),
    issuedAt: iat === undefined ? undefined : epochMs(Math.floor(iat)),
  };
}
