import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from './json-object.ts';

/** A public key that tokens may be verified with. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** Of the signatures it can verify: by its type and curve, narrowed by its own `alg`. */
  readonly algorithms: readonly string[];
  /** RFC 7638 with SHA-256: what the key is, whatever it is called. */
  readonly thumbprint: string;
  readonly publicKey: KeyObject;
}

/** Why a key of a set is left out. */
export type KeyFault = 'secret' | 'unsupported' | 'not_for_signatures' | 'weak' | 'invalid';

/** NIST SP 800-131A, RFC 7518 section 3.3. */
const RSA_BITS_MIN = 2_048;

/** RFC 7517, RFC 7518 section 6, RFC 8037. */
export function parseKey(jwk: unknown): VerificationKey | KeyFault {
  if (!isJsonObject(jwk)) return 'invalid';
  // Whoever publishes a secret cannot vouch for anybody with it (RFC 7518: `d`, `k`; RFC 9964: `priv`).
  if ('d' in jwk || 'k' in jwk || 'priv' in jwk) return 'secret';
  if (!isForVerifying(jwk)) return 'not_for_signatures';
  const type = publicMembers(jwk);
  if (type === undefined) return 'unsupported';
  const { alg, kid } = jwk;
  const algorithms = type.algorithms.filter((each) => alg === undefined || alg === each);
  if (algorithms.length === 0) return 'unsupported';
  if (kid !== undefined && typeof kid !== 'string') return 'invalid';
  const publicKey = importKey(type.members);
  if (publicKey === undefined) return 'invalid';
  if ((publicKey.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN) < RSA_BITS_MIN) return 'weak';
  return { kid, algorithms, thumbprint: thumbprintOf(publicKey), publicKey };
}

function isForVerifying({ use, key_ops: operations }: JsonObject): boolean {
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
/** One curve, one algorithm, so that a signature cannot be of a weaker curve than its `alg` says. */
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  'EC P-256': 'ES256',
  'EC P-384': 'ES384',
  'EC P-521': 'ES512',
  'OKP Ed25519': 'EdDSA',
};

interface KeyType {
  readonly algorithms: readonly string[];
  readonly members: Readonly<Record<string, string>>;
}

function publicMembers({ kty, crv, n, e, x, y }: JsonObject): KeyType | undefined {
  if (kty === 'RSA') {
    return { algorithms: RSA_ALGORITHMS, members: { kty, n: text(n), e: text(e) } };
  }
  const algorithm = CURVE_ALGORITHMS[`${text(kty)} ${text(crv)}`];
  if (algorithm === undefined) return undefined;
  const point = { kty: text(kty), crv: text(crv), x: text(x) };
  return { algorithms: [algorithm], members: kty === 'EC' ? { ...point, y: text(y) } : point };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** OpenSSL also checks that the point lies on its curve. */
function importKey(members: KeyType['members']): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...members }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** RFC 7638, section 3: the required members in lexicographic order, from the imported key, so in one spelling. */
function thumbprintOf(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' });
  // JSON.stringify leaves out what is undefined.
  return createHash('sha256').update(JSON.stringify({ crv, e, kty, n, x, y })).digest('base64url');
}
