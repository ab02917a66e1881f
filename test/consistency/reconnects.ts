import type { Entry } from './history.ts';

const BOUNDS_MS = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/** How long clients were without a stream each time that it was taken from them, in milliseconds. */
export function absencesMs(entries: readonly Entry[]): readonly number[] {
  const lostAt = new Map<string, number>();
  const ends = new Map<string, string>();
  const absences: number[] = [];
  for (const entry of entries) {
    switch (entry.kind) {
      case 'ended':
        ends.set(entry.client, entry.reason);
        break;
      case 'cut':
        // A token that was left to expire, like a stream that was left, is the client's own doing.
        if (entry.by === 'peer' && ends.get(entry.client) !== 'token_expired')
          lostAt.set(entry.client, entry.at);
        ends.delete(entry.client);
        break;
      case 'opened': {
        const at = lostAt.get(entry.client);
        if (at !== undefined) absences.push(entry.at - at);
        lostAt.delete(entry.client);
        break;
      }
    }
  }
  return absences;
}

/** One line: how many took up to so long. */
export function histogram(durationsMs: readonly number[]): string {
  const bounds = [0, ...BOUNDS_MS, Number.POSITIVE_INFINITY];
  const counts = bounds.slice(1).map((to, i) => {
    const from = bounds[i] ?? 0;
    const count = durationsMs.filter((ms) => ms > from && ms <= to).length;
    return to === Number.POSITIVE_INFINITY ? `more ${count}` : `≤ ${to} ms ${count}`;
  });
  return counts.join(' · ');
}
