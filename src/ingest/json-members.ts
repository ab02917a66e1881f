import { LineError } from './line-error.ts';

/** Containers within containers; deeper is a fault or an attack on whoever parses it next. */
const DEPTH_MAX = 64;
const WHITE_SPACE = ' \t\n\r';

/**
 * Where the members of a JSON object stand in its text, so that a value can be passed on verbatim: `1.0`, `1e400` and
 * integers beyond 2^53 would not survive JSON.parse and JSON.stringify. The text must be valid JSON (checked by
 * JSON.parse before), so that this only has to find the ends.
 *
 * @returns name → raw value without insignificant white space
 * @throws LineError `duplicate_field`, `too_deep`
 */
export function jsonMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] === '"') {
    const nameEnd = stringEnd(text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd));
    at = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const [value, end] = compact(text, at);
    if (typeof name !== 'string' || members.has(name)) {
      throw new LineError('duplicate_field', 'a field stands twice');
    }
    members.set(name, value);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** How deep the text nests, whether or not it is valid: parsing something too deep would cost a stack. */
export function assertShallow(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = stringEnd(text, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
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
    const character = text[at] ?? '';
    if (character === '"') {
      at = stringEnd(text, at) - 1;
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}')) break;
    if (WHITE_SPACE.includes(character)) {
      value += text.slice(from, at);
      from = at + 1;
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
  }
  return [value + text.slice(from, at), at];
}

/** The place after the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && WHITE_SPACE.includes(text[at] ?? '')) at++;
  return at;
}
