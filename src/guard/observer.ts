import type { KeySetErrorCode } from './key-set-error.ts';

/** What came of asking a guard's `jwks.uri`. */
export type FetchResult = 'ok' | 'not_modified' | KeySetErrorCode;

/** What guards report; `metrics/` implements it. */
export interface GuardObserver {
  fetched(guard: string, result: FetchResult): void;
  /** A token was found among the verified ones, or was not. */
  cached(result: 'hit' | 'miss'): void;
}
