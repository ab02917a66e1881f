/** One `x-kubernetes-validations` entry: a CEL expression that must be true of the value it stands at (`self`). */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** The field to blame, from where the rule stands: `.ringBytes`. */
  readonly fieldPath?: string;
}

/**
 * Metadata of a schema: what its checks ask for, told to an API server in its own language. Each rule stands beside the
 * check that it repeats and has the same sentence; `test/crds/parity.test.ts` compares their verdicts.
 */
export function cel(...rules: readonly CelRule[]) {
  return { 'x-kubernetes-validations': rules } as const;
}

/**
 * No two entries alike. Not by a list of type `set`: there each applier owns entries of its own, so that an audience or an
 * origin that one has patched in would outlive another's change of the whole list, and let in who is not meant.
 */
export const UNIQUE: CelRule = uniqueBy('');

/** The same of one field of each entry: `.name`. */
export function uniqueBy(field: string): CelRule {
  return {
    rule: `self.all(each, self.exists_one(other, other${field} == each${field}))`,
    message: 'is listed twice',
  };
}

/** Entries are told apart by one field. */
export function listMap(key: string) {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] } as const;
}

/** `operand` must match the pattern, in what RE2 and JavaScript have in common unless it is a text. */
export function celMatches(pattern: RegExp | string, operand = 'self'): string {
  const source = typeof pattern === 'string' ? pattern : pattern.source;
  // CEL's raw strings know no escape for their own quote; RE2 has one.
  return `${operand}.matches(r'${source.replaceAll("'", String.raw`\x27`)}')`;
}
