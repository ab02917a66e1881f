import { parseClaimPath } from '../config/claim-path.ts';
import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type Subject, subject } from '../core/brand.ts';
import { valueAt } from './claim-value.ts';
import type { JsonObject } from './json-object.ts';

/** Of the subject and of the session; OpenID Connect allows a subject 255. */
export const IDENTIFIER_CHARACTERS_MAX = 256;

/** Who a token is about and what it may, as the guard's claim paths find it. */
export interface Bearer {
  readonly subject: Subject | undefined;
  readonly session: string | undefined;
  readonly scopes: ReadonlySet<string>;
}

/** @returns `undefined` when a claim is there but of another type than it must be; a number is no subject */
export function readBearer(claims: JsonObject, paths: JwtGuardSpec['claims']): Bearer | undefined {
  const { subject: ofSubject, session: ofSession, scopes: ofScopes } = parsed(paths);
  const sub = valueAt(claims, ofSubject);
  const sid = valueAt(claims, ofSession);
  const scopes = readScopes(valueAt(claims, ofScopes));
  if (scopes === undefined) return undefined;
  if (sub !== undefined && !isIdentifier(sub)) return undefined;
  if (sid !== undefined && !isIdentifier(sid)) return undefined;
  return { subject: sub === undefined ? undefined : subject(sub), session: sid, scopes };
}

type Paths = Readonly<Record<'subject' | 'session' | 'scopes', readonly string[]>>;

/** By the paths as they are configured: they never change, and what is made of them goes with them. */
const known = new WeakMap<JwtGuardSpec['claims'], Paths>();

function parsed(texts: JwtGuardSpec['claims']): Paths {
  let paths = known.get(texts);
  if (paths === undefined) {
    const read = (text: string) => parseClaimPath(text) ?? [];
    paths = { subject: read(texts.subject), session: read(texts.session), scopes: read(texts.scopes) };
    known.set(texts, paths);
  }
  return paths;
}

/** Lone surrogates would all become U+FFFD on a wire, and so one subject another. */
export function isIdentifier(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= IDENTIFIER_CHARACTERS_MAX &&
    value.isWellFormed()
  );
}

/** A string separated by spaces (RFC 8693, section 4.2) or, as several issuers have it, a list of strings. */
function readScopes(value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return new Set();
  if (typeof value === 'string') return new Set(value.split(' ').filter((scope) => scope !== ''));
  return isStrings(value) ? new Set(value) : undefined;
}

export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
