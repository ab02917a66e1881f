import type { Random } from '../core/random.ts';

export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Doubles from `minMs` to `maxMs`; half of it is spread, so that those who failed together do not come back together.
 *
 * @param failures in a row, from 1
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffRange, random: Random): number {
  const longestMs = Math.min(minMs * 2 ** Math.max(0, failures - 1), maxMs);
  return Math.round((longestMs * (1 + random())) / 2);
}
