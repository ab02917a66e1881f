import { LineError } from './line-error.ts';

/** Containers within containers; deeper is a fault or an attack on whoever parses it next. */
const DEPTH_MAX = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Where the members of a JSON object stand in its text, so that a value can be passed on verbatim: `1.0`, `1e400` and
 * integers beyond 2^53 would not survive JSON.parse and JSON.stringify. The text must be valid JSON (checked by
 * JSON.parse before), so that this only has to find the ends.
 *
 * @returns name → raw value without insignificant white space
 * @throws LineError `duplicate_field`
 */
export function jsonMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = stringEnd(text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd));
    at = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const [value, end] = compact(text, at);
    if (typeof name !== 'string' || members.has(name)) {
      throw new LineError('duplicate_field', 'a field stands twice');
    }
    members.set(name, value);
    at = end;
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return members;
}

/**
 * Whether the text, which JSON.parse has made `value` of, names no member twice and escapes nothing, told without
 * looking at every character: without escapes every quote is the end of a string, and a member that was overridden
 * leaves at least the two quotes of its name too many. `false` also where it can not be told this way.
 */
export function isPlain(text: string, value: Readonly<Record<string, unknown>>): boolean {
  if (text.includes('\\')) return false;
  let quotes = 0;
  for (const name in value) {
    const member = value[name];
    const strings: readonly unknown[] = Array.isArray(member) ? member : [member];
    if (!strings.every((each) => typeof each === 'string')) return false;
    quotes += 2 + 2 * strings.length;
  }
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes--;
  return quotes === 0;
}

/**
 * How deep the text nests, whether or not it is valid: whoever walks something too deep would run out of stack.
 *
 * @throws LineError `too_deep`
 */
export function assertShallow(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = stringEnd(text, at) - 1;
    else if (character === OPENING_BRACE || character === OPENING_BRACKET) depth++;
    else if (character === CLOSING_BRACE || character === CLOSING_BRACKET) depth--;
    // The line's own object does not count.
    if (depth > DEPTH_MAX + 1) throw new LineError('too_deep', `data nests deeper than ${DEPTH_MAX} levels`);
  }
}

/** One value from `start`: its text without white space between tokens, and the place after it. */
function compact(text: string, start: number): readonly [string, number] {
  let depth = 0;
  let value = '';
  let from = start;
  let at = start;
  for (; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = stringEnd(text, at) - 1;
      continue;
    }
    if (depth === 0 && (character === COMMA || character === CLOSING_BRACE)) break;
    if (isSpace(character)) {
      value += text.slice(from, at);
      from = at + 1;
    } else if (character === OPENING_BRACE || character === OPENING_BRACKET) depth++;
    else if (character === CLOSING_BRACE || character === CLOSING_BRACKET) depth--;
  }
  return [value + text.slice(from, at), at];
}

/** The place after the string that begins at `start`: after the first quote before which backslashes are even. */
function stringEnd(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** What JSON allows between tokens (RFC 8259, 2). */
function isSpace(character: number): boolean {
  return character === 0x20 || character === 0x09 || character === 0x0a || character === 0x0d;
}
