import { CodedError } from '../core/coded-error.ts';

/** Why a call to the API server came to nothing. */
export type KubeCode =
  /** 401: the token or certificate is not accepted (any more). */
  | 'unauthorized'
  /** 403: no Role allows it, or not yet. */
  | 'forbidden'
  /** 404: no such object, or the API server does not know the type: its CRD is not installed. */
  | 'not_found'
  /** 409 for a creation. */
  | 'already_exists'
  /** 409: somebody else has written in between, or owns the field. */
  | 'conflict'
  /** 410: the version asked for has been forgotten; list again. */
  | 'gone'
  /** 4xx: the API server will not take this, however often it is sent. */
  | 'invalid'
  /** 429: ask again after `retryAfterMs`. */
  | 'too_many'
  /** 5xx. */
  | 'unavailable'
  /** No answer: name, connection, TLS, time limit, or the answer broke off. */
  | 'unreachable'
  /** Token, certificate or CA can't be read or make no sense. */
  | 'credentials'
  /** What answered is not an API server, or not one that we understand. */
  | 'malformed'
  /** The answer is beyond our limits. */
  | 'too_large';

const FINAL: ReadonlySet<KubeCode> = new Set(['invalid', 'too_large']);

/**
 * `retryable` says whether an attempt that begins anew may succeed: one that reads again before it writes, where there
 * was a conflict. Its message may hold what the API server said, bounded; never a credential.
 */
export class KubeError extends CodedError<KubeCode> {
  /** How long the API server asked to be left alone; 0 when it did not. */
  readonly retryAfterMs: number;

  constructor(code: KubeCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(code, message, {
      retryable: !FINAL.has(code),
      ...('cause' in options ? { cause: options.cause } : {}),
    });
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

export function isKubeError(error: unknown, ...codes: readonly KubeCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}

/** What broke a request or its answer off, by the code of node:net or node:tls. @throws what is no fault of the network */
export function unreachable(cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  if (!(cause instanceof Error && 'code' in cause)) throw cause;
  return new KubeError('unreachable', `the API server can't be reached (${cause.code})`, { cause });
}
