import { type EpochMs, epochMs } from '../core/brand.ts';
import type { Random } from '../core/random.ts';
import type { Grant } from './grant.ts';

/** A crowd whose tokens expire at one instant is asked over a tenth of the lead time, a second at most. */
const SPREAD_FRACTION = 0.1;
const SPREAD_MS_MAX = 1_000;

/**
 * When the stream is to ask for a fresh token: `exp - leadTime`, a little earlier at random, never later.
 * Clock skew does not count: it forgives late clocks, it does not lengthen tokens.
 *
 * @returns `undefined` when the guard does not challenge or nobody is there to answer
 */
export function challengeAt(
  grant: Pick<Grant, 'subject' | 'expiresAt'>,
  leadTimeMs: number | undefined,
  random: Random,
): EpochMs | undefined {
  if (leadTimeMs === undefined || grant.subject === undefined) return undefined;
  const spreadMs = random() * Math.min(leadTimeMs * SPREAD_FRACTION, SPREAD_MS_MAX);
  return epochMs(Math.floor(grant.expiresAt - leadTimeMs - spreadMs));
}
