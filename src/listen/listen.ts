import { sleep } from '../core/clock.ts';
import { type Attempt, attempt, type Position } from './attempt.ts';
import type { ListenIo, ListenOptions } from './options.ts';
import { Silence } from './silence.ts';
import { TokenSourceError } from './token-source.ts';
import { EXIT, type ExitCode, type History, judge } from './verdict.ts';

/** A connection that lasted so long was a good one, events or not. */
const HEALTHY_MS_MIN = 30_000;
/** A stream that a renewed token keeps open for less was not renewed. */
const RENEWED_MS_MIN = 1_000;

/**
 * Follows a stream through all its connections: URL → attempt → outcome → verdict → attempt …
 * Every event is given to `io.out` once and in order, or a gap is told.
 *
 * @returns why it ended; what for is told on standard error as well
 */
export async function listen(options: ListenOptions, io: ListenIo): Promise<ExitCode> {
  try {
    return await follow(options, io);
  } catch (error) {
    if (io.signal.aborted) return EXIT.fine;
    throw error;
  }
}

async function follow(options: ListenOptions, io: ListenIo): Promise<ExitCode> {
  const position: Position = { lastEventId: options.lastEventId, retryMs: 0 };
  const silence = new Silence(io.clock);
  const means = {
    renewable: options.tokens.renewable,
    attemptsMax: options.attemptsMax,
    random: io.random,
  };
  let history: Counts = { reached: false, failures: 0, futileRenewals: 0 };
  let renew = false;
  for (;;) {
    const latest = await tryOnce(renew, position, silence, options, io);
    history = credited(history, latest, renew);
    const verdict = judge(latest.outcome, { ...history, retryMs: position.retryMs }, means);
    if (verdict.kind === 'exit') {
      io.err(verdict.why);
      return verdict.code;
    }
    io.err(`${verdict.why}; reconnecting ${soon(verdict.afterMs)}`);
    if (verdict.afterMs > 0) await sleep(io.clock, verdict.afterMs, io.signal);
    history = charged(history, latest);
    renew = verdict.renew;
  }
}

async function tryOnce(
  renew: boolean,
  position: Position,
  silence: Silence,
  options: ListenOptions,
  io: ListenIo,
): Promise<Attempt> {
  try {
    const { tokens } = options;
    const token = await (renew && tokens.renewable ? tokens.fresh(io.signal) : tokens.current(io.signal));
    return await attempt(token, position, silence, options, io);
  } catch (error) {
    io.signal.throwIfAborted();
    if (!(error instanceof TokenSourceError)) throw error;
    return { outcome: { kind: 'no_token', why: error.message }, openMs: undefined, delivered: false };
  }
}

type Counts = Omit<History, 'retryMs'>;

/** What an attempt changes for its own verdict: what is counted in a row starts anew after a good one. */
function credited(counts: Counts, { outcome, openMs = 0, delivered }: Attempt, renewed: boolean): Counts {
  const futile = renewed && outcome.kind !== 'no_token' ? 1 : 0;
  return {
    ...counts,
    failures: delivered || openMs >= HEALTHY_MS_MIN ? 0 : counts.failures,
    futileRenewals: openMs >= RENEWED_MS_MIN ? 0 : counts.futileRenewals + futile,
  };
}

/** And what it changes for the next one. */
function charged(counts: Counts, { outcome }: Attempt): Counts {
  const answered = outcome.kind !== 'unreachable' && outcome.kind !== 'no_token';
  return { ...counts, reached: counts.reached || answered, failures: counts.failures + 1 };
}

function soon(afterMs: number): string {
  return afterMs === 0 ? 'at once' : `in ${(afterMs / 1000).toFixed(1)} s`;
}
