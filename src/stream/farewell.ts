import { epochMs } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { jitter, type Random } from '../core/random.ts';
import { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
import type { Connection } from './connection.ts';
import { encode } from './encode.ts';
import { bytesOf, frame } from './frame.ts';
import type { OnEnded, StreamObserver } from './observer.ts';
import { RETRY_JITTER, type StreamSettings } from './settings.ts';

/** How long the peer has to take its end before the connection is reset. */
const END_TAKEN_MS = 5000;
/** How often it is looked whether all peers have taken their end. */
const TAKEN_POLL_MS = 10;

export interface FarewellParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: StreamObserver;
  readonly settings: () => StreamSettings;
  readonly onEnded?: OnEnded;
}

/** The streams that have been told their end, until their peers have taken it. */
export class Farewell {
  readonly #parts: FarewellParts;
  readonly #ending = new Set<Connection>();

  constructor(parts: FarewellParts) {
    this.#parts = parts;
  }

  /** Tells an open stream why it ends; the last thing that is written to it. */
  say(connection: Connection, reason: CloseReason): void {
    const { clock, observer, onEnded, random, settings } = this.#parts;
    const now = clock.now();
    const retryMs = Math.round(jitter(settings().retryMs, RETRY_JITTER, random));
    const retry = CLOSE_REASONS[reason].reconnect ? { retryMs } : {};
    const bytes = bytesOf(frame(encode({ kind: 'end', reason, ...retry })), connection.transport.format);
    connection.state = 'ending';
    connection.abortAt = epochMs(now + END_TAKEN_MS);
    this.#ending.add(connection);
    connection.transport.end(bytes);
    connection.bytes += bytes.length;
    observer.closed(reason);
    onEnded?.(reason, connection);
  }

  /** The peer has taken its end, or has gone. */
  over(connection: Connection): void {
    this.#ending.delete(connection);
  }

  /** The peer did not take its end in time. */
  abort(connection: Connection): void {
    connection.transport.abort();
    this.#parts.observer.aborted();
  }

  /** Waits at most `graceMs` for all peers, then resets those that are left. */
  async settle(graceMs: number): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + graceMs;
    while (this.#ending.size > 0 && clock.monotonicMs() < until) {
      await new Promise<void>((resolve) => clock.after(TAKEN_POLL_MS, resolve));
    }
    for (const connection of this.#ending) this.abort(connection);
  }
}
