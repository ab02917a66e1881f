import { CodedError } from '../core/coded-error.ts';

/** Why a token is refused (contract, section 4). All but `missing` are RFC 6750's `invalid_token`. */
export const TOKEN_ERROR_CODES = [
  'missing',
  'malformed',
  'expired',
  'not_yet_valid',
  'too_long_lived',
  'unknown_key',
  'bad_signature',
  'algorithm',
  'wrong_issuer',
  'wrong_audience',
  'revoked',
] as const;
export type TokenErrorCode = (typeof TOKEN_ERROR_CODES)[number];

/** A refused token. The message names the rule, never the token or a value from it. */
export class TokenError extends CodedError<TokenErrorCode> {}
