import { constants, type SigningOptions, verify } from 'node:crypto';
import type { CompactToken } from './compact-token.ts';
import { TokenError } from './token-error.ts';
import type { VerificationKey } from './verification-key.ts';

interface Scheme {
  /** Ed25519 has its own. */
  readonly digest: string | null;
  readonly options: Readonly<SigningOptions>;
}

const PKCS1 = { padding: constants.RSA_PKCS1_PADDING };
/** The salt is as long as the digest (RFC 7518, section 3.5). */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
/** The two numbers side by side (RFC 7518, section 3.4); the same ones in DER do not verify. */
const ECDSA = { dsaEncoding: 'ieee-p1363' } as const;

/** RFC 7518, section 3.1; RFC 8037, section 3.1. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['RS256', { digest: 'sha256', options: PKCS1 }],
  ['RS384', { digest: 'sha384', options: PKCS1 }],
  ['RS512', { digest: 'sha512', options: PKCS1 }],
  ['PS256', { digest: 'sha256', options: PSS }],
  ['PS384', { digest: 'sha384', options: PSS }],
  ['PS512', { digest: 'sha512', options: PSS }],
  ['ES256', { digest: 'sha256', options: ECDSA }],
  ['ES384', { digest: 'sha384', options: ECDSA }],
  ['ES512', { digest: 'sha512', options: ECDSA }],
  ['EdDSA', { digest: null, options: {} }],
]);

/**
 * Verifies the signature with exactly this key and the algorithm of the token, which has to be one of the key's. On the
 * thread pool: ES512 takes almost two milliseconds, in which streams may have to be cut.
 *
 * @throws TokenError `bad_signature`, or `algorithm`
 */
export async function verifySignature(token: CompactToken, key: VerificationKey): Promise<void> {
  const scheme = key.algorithms.includes(token.algorithm) ? SCHEMES.get(token.algorithm) : undefined;
  if (scheme === undefined) throw new TokenError('algorithm');
  let verified: boolean;
  try {
    verified = await isSigned(token, scheme, key);
  } catch (cause) {
    throw new TokenError('bad_signature', undefined, { cause });
  }
  if (!verified) throw new TokenError('bad_signature');
}

function isSigned(
  { signed, signature }: CompactToken,
  { digest, options }: Scheme,
  { publicKey }: VerificationKey,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const told = (error: Error | null, verified: boolean) => (error ? reject(error) : resolve(verified));
    verify(digest, Buffer.from(signed, 'latin1'), { key: publicKey, ...options }, signature, told);
  });
}
