import type { Random } from '../core/random.ts';

export const BACKOFF_MS_MIN = 500;
export const BACKOFF_MS_MAX = 30_000;
/** Whatever a server asks for, a listener looks again after an hour. */
export const WAIT_MS_MAX = 3_600_000;

/**
 * How long to wait before the next attempt: 0.5–1 s at first, doubling to 15–30 s. The spread is half of it, so that
 * listeners that lost their server together do not come back together.
 *
 * @param failures attempts in a row that brought nothing
 * @param atLeastMs what the server asked for by `retry:` or `Retry-After`; it has been spread by the server
 */
export function backoffMs(failures: number, atLeastMs: number, random: Random): number {
  const longestMs = Math.min(2 * BACKOFF_MS_MIN * 2 ** failures, BACKOFF_MS_MAX);
  const ownMs = (longestMs * (1 + random())) / 2;
  return Math.round(Math.min(Math.max(ownMs, atLeastMs), WAIT_MS_MAX));
}

/** `Retry-After` (RFC 9110, 10.2.3): seconds or a date. @returns 0 when absent or neither */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}
