import { parseClaimPath } from '../config/claim-path.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';

/** The claim at a path such as `realm_access.roles`; `undefined` when there is none. Only own properties count. */
export function claimValue(claims: JsonObject, path: string): unknown {
  return valueAt(claims, parseClaimPath(path) ?? []);
}

/** As `claimValue`, by the names to follow. */
export function valueAt(claims: JsonObject, names: readonly string[]): unknown {
  if (names.length === 0) return undefined;
  let value: unknown = claims;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
