import { isJsonObject, type JsonObject } from './json-object.ts';

/** The claim that these names of a path lead to; `undefined` when there is none. Only own properties count. */
export function valueAt(claims: JsonObject, names: readonly string[]): unknown {
  if (names.length === 0) return undefined;
  let value: unknown = claims;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
