import type { Clock, Timer } from '../core/clock.ts';
import { KubeError, unreachable } from './kube-error.ts';

/** A time limit joined with the caller's signal; whatever is done under it ends by `signal`. */
export class Timeout {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #timer: Timer;

  constructor(clock: Clock, limitMs: number, callers?: AbortSignal) {
    this.#clock = clock;
    this.#timer = this.#start(limitMs);
    this.signal = callers === undefined ? this.#over.signal : AbortSignal.any([this.#over.signal, callers]);
  }

  restart(limitMs: number): void {
    this.#timer.cancel();
    this.#timer = this.#start(limitMs);
  }

  cancel(): void {
    this.#timer.cancel();
  }

  /** Cancels itself when `run` fails. @throws KubeError, or the reason of the caller's signal */
  async guard<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      this.cancel();
      throw this.reasonFor(error);
    }
  }

  /** Ended by us, what was thrown then is a mere consequence. */
  reasonFor(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : unreachable(error);
  }

  #start(limitMs: number): Timer {
    return this.#clock.after(limitMs, () =>
      this.#over.abort(
        new KubeError('unreachable', `no answer from the API server within ${limitMs / 1000} s`),
      ),
    );
  }
}
