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

/** Entries are told apart by themselves: no two alike, and several appliers may each own some. */
export const LIST_SET = { 'x-kubernetes-list-type': 'set' } as const;

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
