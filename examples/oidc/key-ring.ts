import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { JWK } from 'oidc-provider';

/** The issuer's signing keys, newest first: it signs with that one and publishes all. */
export class KeyRing {
  #keys: readonly JWK[] = [newKey()];

  get keys(): readonly JWK[] {
    return this.#keys;
  }

  /** From now on another key signs; tokens of the old ones stay good. */
  add(): void {
    this.#keys = [newKey(), ...this.#keys];
  }

  /** Only the newest key is left: tokens of the others are no longer good. */
  removeOld(): void {
    this.#keys = this.#keys.slice(0, 1);
  }
}

function newKey(): JWK {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y, d } = privateKey.export({ format: 'jwk' });
  return { kty: String(kty), crv, x, y, d, kid: randomUUID().slice(0, 8), alg: 'ES256', use: 'sig' };
}
