import type { EpochMs } from './brand.ts';

/**
 * That tokens issued before an instant count no more. Which tokens is a hash (`guard/revocation.ts`): whoever holds
 * it, Redis too, learns nobody's name from it.
 */
export interface Revocation {
  readonly key: string;
  /** A token issued earlier than this, or without saying when, is revoked. */
  readonly before: EpochMs;
  /** By then the last such token is dead, and so this is of no use. */
  readonly expiresAt: EpochMs;
}

/** Held at once, by the store and so by each process: some 50 MB there. A further one is refused, never dropped. */
export const REVOCATIONS_MAX = 200_000;

/** What both say together, or `undefined` when the later one adds nothing. */
export function widened(held: Revocation | undefined, next: Revocation): Revocation | undefined {
  if (held === undefined) return next;
  if (next.before <= held.before && next.expiresAt <= held.expiresAt) return undefined;
  return {
    key: held.key,
    before: next.before > held.before ? next.before : held.before,
    expiresAt: next.expiresAt > held.expiresAt ? next.expiresAt : held.expiresAt,
  };
}
