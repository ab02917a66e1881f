import type { Random } from '../core/random.ts';
import { backoffMs } from './backoff.ts';
import type { Outcome } from './outcome.ts';

/** Why `listen` ended; also documented in `usage.ts`. */
export const EXIT = { fine: 0, badInput: 1, unreachable: 3, tokenExpired: 4, ended: 5, refused: 6 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Tokens in a row that bring no stream of a second or more; the source then counts as unable to renew. */
const FUTILE_RENEWALS_MAX = 3;

/** All that the next step depends on besides the outcome. */
export interface History {
  /** An HTTP answer of any kind had been seen before this attempt. */
  readonly reached: boolean;
  /** Attempts in a row that brought nothing, before this one. */
  readonly failures: number;
  /** Renewed tokens in a row that brought nothing, this attempt's included. */
  readonly futileRenewals: number;
  /** What the server asked for last. */
  readonly retryMs: number;
}

export interface Means {
  readonly renewable: boolean;
  readonly attemptsMax: number;
  readonly random: Random;
}

export type Verdict =
  | { readonly kind: 'exit'; readonly code: ExitCode; readonly why: string }
  | { readonly kind: 'again'; readonly afterMs: number; readonly why: string; readonly renew: boolean };

/** What follows from an attempt. Pure. */
export function judge(outcome: Outcome, history: History, means: Means): Verdict {
  switch (outcome.kind) {
    case 'unreachable':
      return history.reached
        ? again(outcome.why, history.retryMs, history, means)
        : exit(EXIT.unreachable, outcome.why);
    case 'no_token':
      return history.reached ? again(outcome.why, 0, history, means, true) : exit(EXIT.badInput, outcome.why);
    case 'unavailable':
      return again(outcome.problem.text, Math.max(outcome.afterMs, history.retryMs), history, means);
    case 'lost':
      return again(outcome.why, history.retryMs, history, means);
    case 'ended':
      return judgeEnd(outcome, history, means);
    case 'refused':
      return judgeRefusal(outcome, history, means);
  }
}

function judgeEnd(
  { reason, reconnect }: Outcome & { kind: 'ended' },
  history: History,
  means: Means,
): Verdict {
  const why = `the stream ended: ${reason}`;
  if (reconnect) return again(why, history.retryMs, history, means);
  if (reason !== 'token_expired') return exit(EXIT.ended, why);
  return renewed(why, history, means) ?? exit(EXIT.tokenExpired, why);
}

function judgeRefusal({ problem }: Outcome & { kind: 'refused' }, history: History, means: Means): Verdict {
  const why = `refused: ${problem.text}`;
  if (problem.status !== 401 || !history.reached) return exit(EXIT.refused, why);
  // A token that was good once, or good enough to be told to wait, may have grown old since.
  const code = problem.code === 'expired' ? EXIT.tokenExpired : EXIT.refused;
  return renewed(why, history, means) ?? exit(code, why);
}

/** With another token, at once; later when the last one brought nothing. */
function renewed(why: string, { futileRenewals }: History, means: Means): Verdict | undefined {
  if (!means.renewable || futileRenewals >= FUTILE_RENEWALS_MAX) return undefined;
  const afterMs = futileRenewals === 0 ? 0 : backoffMs(futileRenewals - 1, 0, means.random);
  return { kind: 'again', afterMs, why, renew: true };
}

function again(
  why: string,
  atLeastMs: number,
  { failures }: History,
  { attemptsMax, random }: Means,
  renew = false,
): Verdict {
  if (failures + 1 >= attemptsMax) {
    return exit(EXIT.unreachable, `${why}; gave up after ${attemptsMax} attempts`);
  }
  return { kind: 'again', afterMs: backoffMs(failures, atLeastMs, random), why, renew };
}

function exit(code: ExitCode, why: string): Verdict {
  return { kind: 'exit', code, why };
}
