import { type EpochMs, epochMs } from '../../src/core/brand.ts';
import type { Clock, Timer } from '../../src/core/clock.ts';

interface Pending {
  at: number;
  readonly periodMs: number | undefined;
  readonly run: () => void;
}

/** A clock that stands still until told to go on; timers run in the order they fall due, at their exact time. */
export class FakeClock implements Clock {
  #now: number;
  #monotonicMs = 0;
  readonly #pending = new Set<Pending>();

  constructor(now = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = now;
  }

  now(): EpochMs {
    return epochMs(this.#now);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#add({ at: this.#monotonicMs + delayMs, periodMs: undefined, run });
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#add({ at: this.#monotonicMs + periodMs, periodMs, run });
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Lets `milliseconds` pass, running whatever falls due meanwhile. */
  advance(milliseconds: number): void {
    const target = this.#monotonicMs + milliseconds;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#to(Math.max(next.at, this.#monotonicMs));
      if (next.periodMs === undefined) this.#pending.delete(next);
      else next.at += next.periodMs;
      next.run();
    }
    this.#to(target);
  }

  /** As `advance`, but in steps, with what promises had to say handled between them. */
  async advanceAsync(milliseconds: number, stepMs = 100): Promise<void> {
    for (let left = milliseconds; left > 0; left -= stepMs) {
      this.advance(Math.min(left, stepMs));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The wall clock is set, as by NTP or an administrator; monotonic time and timers notice nothing. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }

  #add(pending: Pending): Timer {
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  #next(target: number): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at <= target && (next === undefined || pending.at < next.at)) next = pending;
    }
    return next;
  }

  #to(monotonicMs: number): void {
    this.#now += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
