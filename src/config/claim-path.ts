/** How deep a path may reach, and how long its text may be. */
const STEPS_MAX = 8;
export const CLAIM_PATH_CHARACTERS_MAX = 256;

// A bare name may hold `:` and `-` (`cognito:groups`) but no `/`: a URL has dots, which would silently split it.
const STEP = /\.?([^\s.[\]"'{}$/\\]+)|\["([^"\\\p{Cc}]+)"\]/uy;

const BARE_RE2 = String.raw`[^\s\v\pZ\x{feff}.\[\]"'{}$/\\]+`;
const QUOTED_RE2 = String.raw`\["[^"\\\p{Cc}]+"\]`;
/** The same grammar for an API server, whose white space is ASCII only. */
export const CLAIM_PATH_RE2 = `(${BARE_RE2}|${QUOTED_RE2})(\\.${BARE_RE2}|${QUOTED_RE2}){0,${STEPS_MAX - 1}}`;

/**
 * `realm_access.roles`, or with dots in a name `["https://api.example.com/claims"].roles`, as the names to follow.
 * Whoever follows them looks each up as an *own* property, so that `__proto__` leads nowhere.
 *
 * @returns `undefined` when `text` is not a claim path
 */
export function parseClaimPath(text: string): readonly string[] | undefined {
  if (text.length > CLAIM_PATH_CHARACTERS_MAX || text.startsWith('.')) return undefined;
  const steps: string[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const start = STEP.lastIndex;
    const step = STEP.exec(text);
    const name = step?.[1] ?? step?.[2];
    if (name === undefined || steps.length === STEPS_MAX) return undefined;
    // After `["…"]` a bare name needs its dot: `["a"]b` is a slip, not two steps.
    if (step?.[1] !== undefined && start > 0 && text[start] !== '.') return undefined;
    steps.push(name);
  }
  return steps.length === 0 ? undefined : steps;
}
