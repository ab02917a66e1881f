/** How deep a header or a payload may nest; tokens in the field need four or five. */
const DEPTH_MAX = 32;

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * JSON text as an object, more strictly than `JSON.parse`: a name given twice is refused, since two readers could
 * each believe another one (RFC 8725, section 2.4; RFC 7519, section 4), and so is nesting beyond 32.
 *
 * @returns `undefined` when `text` is anything else
 */
export function parseJsonObject(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isJsonObject(value) && isUnambiguous(text, value) ? value : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `text` is known to be JSON, `value` what it says: a name that was given twice is there once. */
function isUnambiguous(text: string, value: JsonObject): boolean {
  const names = countNames(text);
  return names !== undefined && names === countMembers(value);
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const OPENING: readonly number[] = [0x5b, 0x7b];
const CLOSING: readonly number[] = [0x5d, 0x7d];

/** @returns how many, by the colons outside of strings; `undefined` when it nests too deep */
function countNames(text: string): number | undefined {
  let names = 0;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) quoted = !quoted;
    else if (quoted) at += code === BACKSLASH ? 1 : 0;
    else if (code === COLON) names++;
    else if (OPENING.includes(code)) {
      if (++depth > DEPTH_MAX) return undefined;
    } else if (CLOSING.includes(code)) depth--;
  }
  return names;
}

/** No deeper than what `countNames` has let pass. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  return inside.reduce<number>(
    (sum, each) => sum + countMembers(each),
    Array.isArray(value) ? 0 : inside.length,
  );
}
