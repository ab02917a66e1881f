import { hash } from 'node:crypto';
import { type JsonObject, parseJsonObject } from './json-object.ts';
import { TokenError } from './token-error.ts';

/** 8 KiB. Larger ones do not fit beside other headers into what servers and proxies accept. */
export const TOKEN_BYTES_MAX = 8_192;

/** A JWS in compact form, taken apart and not yet believed. */
export interface CompactToken {
  readonly algorithm: string;
  readonly kid: string | undefined;
  /** `typ`, as sent. */
  readonly type: unknown;
  readonly claims: JsonObject;
  /** What the signature covers: header and payload, as sent. */
  readonly signed: string;
  readonly signature: Buffer;
}

/**
 * RFC 7515, section 7.1. Header parameters that bring their own key (`jwk`, `jku`, `x5u`, `x5c`) are not even read.
 *
 * @throws TokenError `malformed`
 */
export function parseCompactToken(token: string): CompactToken {
  if (token.length > TOKEN_BYTES_MAX) throw new TokenError('malformed', 'the token is over 8 KiB');
  const [header, payload, last, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || last === undefined || rest.length > 0) {
    throw new TokenError('malformed', 'the token does not have three parts');
  }
  const signature = decode(last);
  if (signature === undefined) throw new TokenError('malformed', 'the signature is not base64url');
  return {
    ...readHeader(objectOf(header, 'header')),
    claims: objectOf(payload, 'payload'),
    signed: `${header}.${payload}`,
    signature,
  };
}

/** The same for whatever signatures the same token may have. */
export function hashOfSigned({ signed }: Pick<CompactToken, 'signed'>): string {
  return hash('sha256', signed, 'base64url');
}

function objectOf(part: string, name: string): JsonObject {
  const bytes = decode(part);
  const object = bytes && parseJsonObject(textOf(bytes));
  if (object === undefined)
    throw new TokenError('malformed', `the ${name} is not an unambiguous JSON object`);
  return object;
}

/** Strict: no padding, no white space, no spare bits, so that a token has one spelling. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new TokenError('malformed', 'the token holds invalid UTF-8');
  }
}

function readHeader(header: JsonObject): Pick<CompactToken, 'algorithm' | 'kid' | 'type'> {
  const { alg, kid, typ: type } = header;
  if (typeof alg !== 'string') throw new TokenError('malformed', 'the header has no "alg"');
  if (kid !== undefined && typeof kid !== 'string')
    throw new TokenError('malformed', '"kid" is not a string');
  // No extension is understood here (RFC 7515, section 4.1.11), and a JWT is never unencoded (RFC 7797, section 7).
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new TokenError('malformed', 'the header has critical extensions');
  }
  return { algorithm: alg, kid, type };
}
