import { NoAnswerError } from './request.ts';

const UNKNOWN_AUTHORITY = 'its certificate is not from a known authority (--ca FILE names one)';

/** What node:net and node:tls mean by their codes. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed before an answer came',
  EPIPE: 'the connection was closed before an answer came',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'the host does not answer',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name could not be resolved',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  EPROTO: 'it does not speak TLS there; is it http: instead of https:?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there; is it http: instead of https:?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there; is it http: instead of https:?',
};

/**
 * Why a request got no answer, in words for a person; never a header or an address's query.
 *
 * @throws what has no code: it is no fault of the network
 */
export function connectFault(error: unknown): string {
  if (error instanceof NoAnswerError) return error.message;
  if (!(error instanceof Error && 'code' in error)) throw error;
  const code = String(error.code);
  if (code.startsWith('HPE_')) return 'it does not speak HTTP/1.1 there';
  return SENTENCES[code] ?? `connection failed (${code})`;
}
