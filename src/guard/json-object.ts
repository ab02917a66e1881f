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
  return isJsonObject(value) && isUnambiguous(text) ? value : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const LEXEME = /"(?:[^"\\]+|\\.)*"|[{}[\]:]/gs;

/** `text` is known to be JSON, so what stands before a colon is a name. */
function isUnambiguous(text: string): boolean {
  const open: Set<unknown>[] = [];
  let previous = '';
  for (const [lexeme] of text.matchAll(LEXEME)) {
    if (lexeme === '{' || lexeme === '[') {
      if (open.push(new Set()) > DEPTH_MAX) return false;
    } else if (lexeme === '}' || lexeme === ']') {
      open.pop();
    } else if (lexeme === ':') {
      const names = open.at(-1);
      // Parsed, because `"iss"` and `"\u0069ss"` are one name.
      const name: unknown = JSON.parse(previous);
      if (names?.has(name)) return false;
      names?.add(name);
    }
    previous = lexeme;
  }
  return true;
}
