import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { EpochMs } from '../core/brand.ts';
import { InputError } from '../core/coded-error.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';

/** A private key as a JWK (RFC 7517): for files of mode 0600 only. A gateway itself never holds one. */
export interface SigningKey extends JsonObject {
  readonly kid: string;
  readonly alg: string;
}

/** What `tidegate dev` and `tidegate token` sign with. */
export interface DevelopmentKeys {
  readonly privateKeys: readonly SigningKey[];
  /** The same keys' public halves, as a JWK set. */
  readonly jwks: { readonly keys: readonly JsonObject[] };
}

export interface MintOptions {
  /** Beside `iat` and `exp`, which they may also replace. */
  readonly claims: JsonObject;
  readonly ttlSeconds: number;
  readonly now: EpochMs;
}

/**
 * A signed JWT.
 *
 * @throws InputError when the key cannot sign
 */
export async function mintToken(key: SigningKey, { claims, ttlSeconds, now }: MintOptions): Promise<string> {
  const iat = Math.floor(now / 1_000);
  try {
    return await new SignJWT({ iat, exp: iat + ttlSeconds, ...claims })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
      .sign(createPrivateKey({ key: { ...key }, format: 'jwk' }));
  } catch (cause) {
    throw new InputError('the key cannot sign a token', { cause });
  }
}

/** An RSA key of 2,048 bits (`example`, RS256) and one on P-256 (`example_ec`, ES256), never the same twice. */
export async function createDevelopmentKeys(): Promise<DevelopmentKeys> {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return withPublicHalves([
    { ...jwkOf(rsa.privateKey), kid: 'example', alg: 'RS256', use: 'sig' },
    { ...jwkOf(ec.privateKey), kid: 'example_ec', alg: 'ES256', use: 'sig' },
  ]);
}

/** @returns `undefined` when `text` is not the JSON of the `privateKeys` that were made once */
export function parseDevelopmentKeys(text: string): DevelopmentKeys | undefined {
  try {
    const keys: unknown = JSON.parse(text);
    return Array.isArray(keys) && keys.every(isSigningKey) ? withPublicHalves(keys) : undefined;
  } catch {
    return undefined;
  }
}

function isSigningKey(key: unknown): key is SigningKey {
  return isJsonObject(key) && typeof key['kid'] === 'string' && typeof key['alg'] === 'string';
}

function withPublicHalves(privateKeys: readonly SigningKey[]): DevelopmentKeys {
  const keys = privateKeys.map(({ kid, alg, ...members }) => {
    const publicKey = createPublicKey(createPrivateKey({ key: members, format: 'jwk' }));
    return { ...jwkOf(publicKey), kid, alg, use: 'sig' };
  });
  return { privateKeys, jwks: { keys } };
}

function jwkOf(key: KeyObject): JsonObject {
  return { ...key.export({ format: 'jwk' }) };
}
