import type { EpochMs, Subject, Topic } from '../core/brand.ts';

/** What a stream may do and until when. The hub needs no more of a token; `http/` makes one from a Grant. */
export interface Authorisation {
  /** The guard and the subject it vouches for; absent on public streams and for tokens without a subject. */
  readonly guard: string | undefined;
  readonly subject: Subject | undefined;
  readonly session: string | undefined;
  /** Streams with the same holder count together against `limits.perSubject`; absent on public streams. */
  readonly holder: string | undefined;
  /** How an answer reaches the stream: by the challenge's id or by the subject. */
  readonly answer: 'Stream' | 'Subject';
  /** `Infinity`: never challenged. */
  readonly challengeAt: EpochMs;
  /** `Infinity`: never ends by itself. */
  readonly closeAt: EpochMs;
  readonly expiresAt: EpochMs;
  /**
   * Judges again by the configuration as it is now. What it allows has the same guard, subject and holder;
   * its times and its way of answering may differ.
   */
  review(): Verdict;
}

export type Verdict =
  | { readonly kind: 'allowed'; readonly authorisation: Authorisation; readonly topics: readonly Topic[] }
  | { readonly kind: 'refused'; readonly reason: 'guard_changed' | 'revoked' };

export const NEVER: EpochMs = Number.POSITIVE_INFINITY as EpochMs;
