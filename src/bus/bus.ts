import type { Event, LoggedEvent } from '../core/event.ts';
import type { EventId } from '../core/event-id.ts';

/**
 * How events travel from every ingest to every gateway. Two implementations, one contract suite
 * (`test/bus/contract.ts`). Whoever publishes has validated the event; the bus trusts it.
 */
export interface Publisher {
  /**
   * Appends the event to the log and hands it to every follower.
   *
   * Resolves with the event's id *after* the log has it: what is acknowledged is delivered to every follower exactly
   * once, in the order of ids, or the follower is told of a loss. Events of one publisher keep the order of the calls.
   * A call that rejects may or may not have been appended.
   *
   * @param idempotencyKey repeats with the same key within five minutes append nothing and resolve with the first id
   * @throws BusError `unavailable` (retryable) when the log can't be reached
   */
  publish(event: Event, idempotencyKey?: string): Promise<EventId>;
}

/** Reading the log: a gateway's side. */
export interface Subscriber {
  /**
   * Delivers to `follower` every event from now on, in the order of ids, each exactly once. Resolves when the
   * following has begun, with the position it begins after; `follower.event` is never called before that.
   * A subscriber has at most one follower at a time.
   */
  follow(follower: Follower): Promise<Following>;

  /**
   * Retained events with `after < id`, oldest first, at most `max`; an empty list means there are none.
   * Compare with `floor()` to learn whether something after `after` has been trimmed already.
   *
   * @throws BusError `unavailable` (retryable) when the log can't be reached
   */
  read(after: EventId, max: number): Promise<readonly LoggedEvent[]>;

  /** Everything after this id is still retained: the id of the last event trimmed, or of the log's beginning. */
  floor(): Promise<EventId>;
}

export interface Follower {
  /** One event; must not throw and must not wait. */
  event(event: LoggedEvent): void;
  /**
   * Events may be missing between the last one delivered and the next (log flushed, restored, failed over).
   * Ids go on rising. Every open stream that may be affected must be told.
   */
  lost(): void;
}

export interface Following {
  /** The log's last id when the following began: what comes is after it. */
  readonly head: EventId;
  /** Idempotent; nothing is delivered after it has been called. */
  stop(): void;
}

/** What `/readyz` and metrics say of the bus. */
export interface BusHealth {
  /** `connected`, or for how long it is not and why (one word, no address, no credential). */
  health(): { readonly connected: boolean; readonly reason?: string };
}

export type Bus = Publisher & Subscriber & BusHealth;
