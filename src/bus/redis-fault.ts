/** What some faults say, which neither a code nor the first word tells. */
const TEXTS: readonly (readonly [RegExp, code: string])[] = [
  [/DB index is out of range/, 'NO_SUCH_DATABASE'],
  [/No such master with that name/, 'NO_SUCH_MASTER'],
  [/cluster support disabled/, 'NOT_A_CLUSTER'],
  [
    /^All sentinels are unreachable\. Retrying from scratch after [\d.]+ms\.(?: Last error: Connection is closed\.)?$/,
    'SENTINELS_UNREACHABLE',
  ],
];

/**
 * Why Redis can't be used, in one word: one of ours, the first of what it said (`WRONGPASS`, `NOPERM`), or the
 * system's code (`ECONNREFUSED`). Never the message, which may hold an address or a user.
 */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const known = TEXTS.find(([text]) => text.test(error.message))?.[1];
  if (known !== undefined) return known;
  // Of several sentinels it is what the last one said.
  return /(?:^|Last error: (?:\w+ )?)([A-Z]{3,})\b/.exec(error.message)?.[1] ?? error.name;
}

/**
 * A consequence: why there is no connection has been said before. The sentinels count as unreachable, without a last
 * error, also when each has been asked once and it was the master that could not be used.
 */
export function isConsequence(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(Connection is closed|Stream isn't writeable|All sentinels are unreachable(?!.* Last error))/.test(
      error.message,
    )
  );
}
