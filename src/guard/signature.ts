import { compactVerify, errors } from 'jose';
import { TokenError } from './token-error.ts';
import type { VerificationKey } from './verification-key.ts';

/**
 * Verifies the signature with exactly this key and algorithm. ECDSA signatures are the two numbers side by side
 * (RFC 7518, section 3.4); the same ones in DER do not verify.
 *
 * @throws TokenError `bad_signature`, or `malformed` for what jose finds wrong beyond our own checks
 */
export async function verifySignature(token: string, key: VerificationKey, algorithm: string): Promise<void> {
  try {
    await compactVerify(token, key.publicKey, { algorithms: [algorithm] });
  } catch (cause) {
    const code = cause instanceof errors.JWSSignatureVerificationFailed ? 'bad_signature' : 'malformed';
    throw new TokenError(code, undefined, { cause });
  }
}
