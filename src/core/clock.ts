import { type EpochMs, epochMs } from './brand.ts';

/** Time comes in by parameter, so that a test of an expiry needs no waiting (`test/support/fake-clock.ts`). */
export interface Clock {
  /** Wall clock; tokens are judged by it. It may jump. */
  now(): EpochMs;
  /** Milliseconds that only rise, from an arbitrary start; durations are measured by it. */
  monotonicMs(): number;
  /** Calls `run` once after at least `delayMs` (at most 2^31 - 1); the timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` every `periodMs` until cancelled; the timer does not keep the process alive. */
  every(periodMs: number, run: () => void): Timer;
}

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs).unref();
    return { cancel: () => clearInterval(timer) };
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    const abort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}
