import type { Clock, Timer } from '../core/clock.ts';
import type { Connection } from './connection.ts';
import type { Ring } from './ring.ts';

/** How often a blocked stream is looked at; a poll costs nanoseconds, a `drain` listener a closure per stream. */
const BLOCKED_POLL_MS = 10;

export interface BlockedOutcome {
  /** The peer has taken everything: the stream is to be served again. */
  catchUp(connection: Connection): void;
  /** The ring has lapped it, or it took nothing for longer than `lagMaxMs`. */
  slow(connection: Connection): void;
}

/** Streams whose peers do not take what was written. */
export class Blocked {
  readonly #clock: Clock;
  readonly #ring: Ring;
  readonly #lagMaxMs: () => number;
  readonly #outcome: BlockedOutcome;
  #connections: Connection[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock, ring: Ring, lagMaxMs: () => number, outcome: BlockedOutcome) {
    this.#clock = clock;
    this.#ring = ring;
    this.#lagMaxMs = lagMaxMs;
    this.#outcome = outcome;
  }

  add(connection: Connection): void {
    connection.state = 'blocked';
    connection.blockedAtMs = this.#clock.monotonicMs();
    this.#connections.push(connection);
    this.#timer ??= this.#clock.every(BLOCKED_POLL_MS, () => this.#poll());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #poll(): void {
    const nowMs = this.#clock.monotonicMs();
    const lagMaxMs = this.#lagMaxMs();
    const still: Connection[] = [];
    for (const connection of this.#connections) {
      if (connection.state !== 'blocked') continue;
      if (connection.transport.ready()) {
        this.#outcome.catchUp(connection);
      } else if (nowMs - connection.blockedAtMs > lagMaxMs || connection.cursor + 1 < this.#ring.firstSeq) {
        this.#outcome.slow(connection);
      } else {
        still.push(connection);
      }
    }
    this.#connections = still;
    if (still.length === 0) this.stop();
  }
}
