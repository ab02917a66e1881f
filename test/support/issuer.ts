import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JwtGuardSpec } from '../../src/config/jwt-guard.ts';

export const ISSUER = 'https://issuer.example/';
export const AUDIENCE = 'https://events.example';

export type Members = Readonly<Record<string, unknown>>;

/** A key pair made at run time, as an issuer has it. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  /** As published. */
  readonly jwk: Members;
}

/** @param alg `RS256`, `PS256`, `ES256`, `ES384`, `ES512` or `EdDSA` */
export function createKey(kid: string, alg = 'ES256', rsaBits = 2_048): IssuerKey {
  const { privateKey, publicKey } = generate(alg, rsaBits);
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

export function jwks(...keys: readonly Pick<IssuerKey, 'jwk'>[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

/** Claims of a token that is good for an hour from `now`. */
export function goodClaims(now: number): Members {
  const iat = Math.floor(now / 1_000);
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', scope: 'read write', iat, exp: iat + 3_600 };
}

/** A token with whatever header and payload; text goes in as it is. The library under test has no part in it. */
export function forge(key: IssuerKey, payload: Members | string, header: Members | string = {}): string {
  const defaults = { alg: key.alg, kid: key.kid, typ: 'JWT' };
  const head = typeof header === 'string' ? header : JSON.stringify({ ...defaults, ...header });
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signed = `${base64url(head)}.${base64url(body)}`;
  return `${signed}.${signatureOf(key, signed).toString('base64url')}`;
}

/** The signature as the key's own algorithm makes it, whatever the header says. */
export function signatureOf(
  { alg, privateKey }: IssuerKey,
  signed: string,
  encoding: 'ieee-p1363' | 'der' = 'ieee-p1363',
): Buffer {
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(-3)}`;
  const pss = alg.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(-3)) / 8 }
    : {};
  return sign(hash, Buffer.from(signed), { key: privateKey, dsaEncoding: encoding, ...pss });
}

/** As an attacker who takes a public key for a shared secret. */
export function hmacToken(secret: string | Buffer, payload: Members, header: Members): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function base64url(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64url');
}

/** A guard for this issuer, all defaults of the schema filled in. */
export function guardSpec(keys: JwtGuardSpec['jwks'], overrides: Partial<JwtGuardSpec> = {}): JwtGuardSpec {
  return {
    issuer: ISSUER,
    audiences: [AUDIENCE],
    jwks: keys,
    algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
    clockSkew: 0,
    claims: { subject: 'sub', scopes: 'scope', session: 'sid' },
    credentials: { header: true, query: 'access_token' },
    challenge: { answer: 'Stream' },
    ...overrides,
  };
}

function generate(alg: string, rsaBits: number): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: CURVES[alg] ?? 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: rsaBits });
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
