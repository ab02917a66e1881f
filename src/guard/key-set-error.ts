import { CodedError } from '../core/coded-error.ts';

/** Why there are no (newer) keys; also a label of `jwks_fetches_total`. */
export const KEY_SET_ERROR_CODES = [
  'not_json',
  'too_many_keys',
  'no_usable_key',
  'too_large',
  'unreadable',
  'unreachable',
  'timeout',
  'redirect',
  'status',
  'insecure',
  'ca_unreadable',
  'forbidden_host',
] as const;
export type KeySetErrorCode = (typeof KEY_SET_ERROR_CODES)[number];

/** A key set that cannot be used or got; the last good one stays. */
export class KeySetError extends CodedError<KeySetErrorCode> {
  constructor(code: KeySetErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { ...options, retryable: true });
  }
}
