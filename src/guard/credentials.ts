import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { CodedError } from '../core/coded-error.ts';
import { TokenError } from './token-error.ts';

/** The parts of a request in which a token may travel. */
export interface CredentialSources {
  /** Each `Authorization` header by itself: a server that takes the first of two would hide that they differ. */
  readonly authorization?: readonly string[];
  readonly cookie?: string | undefined;
  readonly query: URLSearchParams;
}

export type CredentialOptions = JwtGuardSpec['credentials'];

/** Two different tokens in one request: whichever were taken, somebody would be surprised. Status 400. */
export class ConflictingTokensError extends CodedError<'conflicting_tokens'> {
  constructor() {
    super('conflicting_tokens', 'the request holds two different tokens');
  }
}

/**
 * The token of a request, looked for wherever one of the path's guards accepts it.
 *
 * A request for a stream may hold one token only. An answer takes the first of header, cookie, query that has one:
 * the stream's URL, which the client posts to, may still hold the old token.
 *
 * @throws TokenError `missing`
 * @throws ConflictingTokensError
 */
export function findToken(
  sources: CredentialSources,
  options: readonly CredentialOptions[],
  purpose: 'stream' | 'answer',
): string {
  const header = options.some((each) => each.header) ? (sources.authorization ?? []).flatMap(bearer) : [];
  const cookie = sources.cookie === undefined ? [] : inCookies(sources.cookie, options);
  const query = sources.query.size === 0 ? [] : inQuery(sources.query, options);
  return purpose === 'stream'
    ? single([...cookie, ...header, ...query])
    : single([header, cookie, query].find(hasToken) ?? []);
}

function inCookies(header: string, options: readonly CredentialOptions[]): readonly string[] {
  const names = new Set(options.flatMap((each) => each.cookie ?? []));
  return [...names].flatMap((name) => cookies(header, name));
}

function inQuery(query: URLSearchParams, options: readonly CredentialOptions[]): readonly string[] {
  const names = new Set(options.map((each) => each.query));
  return [...names].flatMap((name) => (name === '' ? [] : query.getAll(name)));
}

function hasToken(found: readonly string[]): boolean {
  return found.some((token) => token !== '');
}

function single(found: readonly string[]): string {
  const token = found.find((each) => each !== '');
  if (token === undefined) throw new TokenError('missing');
  if (found.some((each) => each !== '' && each !== token)) throw new ConflictingTokensError();
  return token;
}

/** RFC 6750, section 2.1; the scheme in any case (RFC 9110, section 11.1). Another scheme is somebody else's. */
function bearer(authorization: string): readonly string[] {
  const token = /^bearer +(.*)$/i.exec(authorization.trim())?.[1];
  return token === undefined ? [] : [token];
}

/** RFC 6265, section 5.4: one name may come several times, for example from a parent domain. */
function cookies(header: string, name: string): readonly string[] {
  return header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) return [];
    return pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
  });
}
