import type { Clock } from '../core/clock.ts';

/** A heartbeat comes every 15 s unless configured otherwise; four of them missed mean a dead connection. */
export const SILENCE_MS_MIN = 60_000;
/** Three times the rarest heartbeat that can be configured, 10 min. */
export const SILENCE_MS_MAX = 1_800_000;
/** How often a connection is looked at. */
const LOOK_MS = 1_000;

/**
 * How long a connection may be silent before it counts as stalled. A client is not told how rare heartbeats are, so it
 * learns: three times the longest silence that a byte ended, at least 60 s; doubled for each stall in a row, so that
 * it gets to hear the rarest heartbeat too; at most 30 min.
 */
export class Silence {
  readonly #clock: Clock;
  #longestMs = 0;
  #stalls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get limitMs(): number {
    const learntMs = Math.max(SILENCE_MS_MIN, 3 * this.#longestMs);
    return Math.min(learntMs * 2 ** this.#stalls, SILENCE_MS_MAX);
  }

  /** A connection ended; only what stalls several times in a row is given more time. */
  ended(stalled: boolean): void {
    this.#stalls = stalled ? this.#stalls + 1 : 0;
  }

  /** Calls `onStall` once, when nothing was heard for too long. */
  watch(onStall: () => void): Hearing {
    let since: number | undefined = this.#clock.monotonicMs();
    const timer = this.#clock.every(LOOK_MS, () => {
      if (since === undefined || this.#clock.monotonicMs() - since < this.limitMs) return;
      timer.cancel();
      onStall();
    });
    return {
      heard: () => {
        if (since !== undefined)
          this.#longestMs = Math.max(this.#longestMs, this.#clock.monotonicMs() - since);
        since = undefined;
      },
      listening: () => {
        since = this.#clock.monotonicMs();
      },
      stop: () => timer.cancel(),
    };
  }
}

/** One connection's share of `Silence`. */
export interface Hearing {
  /** Bytes came. Until `listening` is called no time counts: it is we who are slow. */
  heard(): void;
  /** More bytes are waited for. */
  listening(): void;
  stop(): void;
}
