import type { Clock, Timer } from '../core/clock.ts';
import { KubeError, unreachable } from './kube-error.ts';

/**
 * A time limit joined with the caller's signal; whatever is done under it ends by `signal`. To be cancelled in the end.
 * By hand, since what `AbortSignal.any` makes stays in memory for as long as the caller's signal does, and that may be
 * the life of the process.
 */
export class Timeout {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #callers: AbortSignal | undefined;
  readonly #abort = () => this.#end(this.#callers?.reason);
  #timer: Timer;

  constructor(clock: Clock, limitMs: number, callers?: AbortSignal) {
    this.#clock = clock;
    this.#callers = callers;
    this.#timer = this.#start(limitMs);
    if (callers?.aborted) this.#abort();
    else callers?.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(limitMs: number): void {
    this.#timer.cancel();
    this.#timer = this.#start(limitMs);
  }

  cancel(): void {
    this.#timer.cancel();
    this.#callers?.removeEventListener('abort', this.#abort);
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
      this.#end(new KubeError('unreachable', `no answer from the API server within ${limitMs / 1000} s`)),
    );
  }

  #end(reason: unknown): void {
    this.cancel();
    this.#controller.abort(reason);
  }
}
