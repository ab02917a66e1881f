import { importJWK, type JWK, SignJWT } from 'jose';
import type { EpochMs } from '../core/brand.ts';
import { InputError } from '../core/coded-error.ts';
import type { JsonObject } from './json-object.ts';

export { createDevelopmentKeys, type DevelopmentKeys } from './development-keys.ts';

export interface MintOptions {
  /** Beside `iat` and `exp`, which they may also replace. */
  readonly claims: JsonObject;
  readonly ttlSeconds: number;
  readonly now: EpochMs;
}

/**
 * A signed JWT, for development: a gateway itself never holds a signing key.
 *
 * @throws InputError when the key cannot sign
 */
export async function mintToken(privateJwk: JWK, { claims, ttlSeconds, now }: MintOptions): Promise<string> {
  const { alg, kid } = privateJwk;
  if (alg === undefined) throw new InputError('the signing key has no "alg"');
  const iat = Math.floor(now / 1_000);
  const header = kid === undefined ? { alg, typ: 'JWT' } : { alg, kid, typ: 'JWT' };
  try {
    return await new SignJWT({ iat, exp: iat + ttlSeconds, ...claims })
      .setProtectedHeader(header)
      .sign(await importJWK(privateJwk));
  } catch (cause) {
    throw new InputError('the key cannot sign a token', { cause });
  }
}
