import { CodedError } from '../core/coded-error.ts';

/** A gateway takes no longer ones (8 KiB); some more, so that it is the gateway that says so. */
const TOKEN_CHARS_MAX = 16 * 1024;

/** No token could be had, now; the message names the source, never what it gave. */
export class TokenSourceError extends CodedError<'no_token'> {}

/** Where tokens come from. */
export type TokenSource = FixedToken | RenewableToken;

interface FixedToken {
  readonly renewable: false;
  current(): Promise<string | undefined>;
}

export interface RenewableToken {
  readonly renewable: true;
  /** The token that `fresh` gave last, or the first one. @throws {TokenSourceError} */
  current(signal: AbortSignal): Promise<string>;
  /** @throws {TokenSourceError} */
  fresh(signal: AbortSignal): Promise<string>;
}

/** One token, or none, for good. @throws {TokenSourceError} when it is none by RFC 6750 */
export function fixedToken(text: string | undefined): FixedToken {
  const token = text === undefined ? undefined : parseToken(text, '--token');
  return { renewable: false, current: async () => token };
}

/**
 * @param read gives a token with white space around it, another one when there is one
 * @param name of the source, for messages
 */
export function renewableToken(read: (signal: AbortSignal) => Promise<string>, name: string): RenewableToken {
  let last: string | undefined;
  const fresh = async (signal: AbortSignal) => {
    last = parseToken(await read(signal), name);
    return last;
  };
  return { renewable: true, fresh, current: async (signal) => last ?? fresh(signal) };
}

/** `b64token` of RFC 6750, 2.1: anything else would not survive a header. */
function parseToken(text: string, name: string): string {
  const token = text.trim();
  if (token === '') throw new TokenSourceError('no_token', `${name} gave no token`);
  if (token.length > TOKEN_CHARS_MAX || !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
    throw new TokenSourceError('no_token', `${name} gave something that is not a bearer token`);
  }
  return token;
}
