import { isJsonObject } from './json-object.ts';
import { KeySetError } from './key-set-error.ts';
import { type KeyFault, parseKey, type VerificationKey } from './verification-key.ts';

/** Issuers publish two to four, and a dozen while they change algorithms. */
const KEYS_MAX = 64;

/** At least one usable public key. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  /** Why the others of the set are left out. */
  readonly faults: readonly KeyFault[];
}

/**
 * A JWK set (RFC 7517, section 5). Keys that cannot be used are left out, as the RFC demands.
 *
 * @throws KeySetError `not_json`, `too_many_keys` or `no_usable_key`
 */
export function parseKeySet(text: string): KeySet {
  const jwks = parseJwks(text);
  if (jwks.length > KEYS_MAX) throw new KeySetError('too_many_keys', `the key set has over ${KEYS_MAX} keys`);
  const keys = new Map<string, VerificationKey>();
  const faults: KeyFault[] = [];
  for (const jwk of jwks) {
    const key = parseKey(jwk);
    if (typeof key === 'string') faults.push(key);
    else keys.set(identityOf(key), key);
  }
  if (keys.size === 0) throw new KeySetError('no_usable_key', 'the key set has no usable key');
  return { keys: [...keys.values()], faults };
}

/** Whether both would verify the same tokens. */
export function sameKeys(a: KeySet, b: KeySet): boolean {
  const identities = new Set(a.keys.map(identityOf));
  return a.keys.length === b.keys.length && b.keys.every((key) => identities.has(identityOf(key)));
}

/**
 * The key for a token. Without `kid`, or where a set uses one `kid` for several keys, exactly one must fit:
 * trying them in turn would let the sender choose.
 */
export function findKey(
  { keys }: KeySet,
  { algorithm, kid }: { readonly algorithm: string; readonly kid: string | undefined },
): VerificationKey | 'unknown_key' | 'algorithm' {
  const named = kid === undefined ? keys : keys.filter((key) => key.kid === kid);
  const [key, another] = named.filter((each) => each.algorithms.includes(algorithm));
  if (key !== undefined && another === undefined) return key;
  return key === undefined && kid !== undefined && named.length > 0 ? 'algorithm' : 'unknown_key';
}

/** Whether a key that once verified a token is still there for that algorithm, under whatever `kid`. */
export function hasKey({ keys }: KeySet, thumbprint: string, algorithm: string): boolean {
  return keys.some((key) => key.thumbprint === thumbprint && key.algorithms.includes(algorithm));
}

function parseJwks(text: string): readonly unknown[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    // Without the cause, which quotes the text.
    throw new KeySetError('not_json', 'the key set is not JSON');
  }
  const jwks: unknown = isJsonObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(jwks))
    throw new KeySetError('not_json', 'the key set is not an object with a list of keys');
  return jwks;
}

function identityOf({ kid, thumbprint, algorithms }: VerificationKey): string {
  return JSON.stringify([kid, thumbprint, algorithms]);
}
