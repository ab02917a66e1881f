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
export class TokenError extends CodedError<TokenErrorCode> {
  constructor(code: TokenErrorCode, message = RULES[code], options: { cause?: unknown } = {}) {
    super(code, message, options);
  }
}

const RULES: Readonly<Record<TokenErrorCode, string>> = {
  missing: 'a token is needed',
  malformed: 'the token is not a well-formed signed JWT',
  expired: 'the token has expired',
  not_yet_valid: 'the token is not valid yet',
  too_long_lived: 'the token lives longer than the guard allows',
  unknown_key: 'the guard does not have the key that signed the token',
  bad_signature: 'the signature does not fit the token and the key',
  algorithm: 'the guard does not accept the algorithm of the signature',
  wrong_issuer: 'no guard accepts the issuer of the token',
  wrong_audience: 'the token is for another audience',
  revoked: 'the token has been revoked',
};
