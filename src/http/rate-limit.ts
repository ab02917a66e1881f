import type { Clock } from '../core/clock.ts';

const WINDOW_MS = 1000;

/** So many calls a key and second, by fixed windows. Its memory is what one window holds: keys of verified tokens. */
export class RateLimit {
  readonly #max: number;
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #windowAt = 0;

  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  allows(key: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowAt >= WINDOW_MS) {
      this.#windowAt = nowMs;
      this.#counts.clear();
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#max;
  }
}
