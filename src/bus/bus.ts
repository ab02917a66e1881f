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
   * While the log can't be reached a call waits, for as long as the bus has been told to hold producers back; one that
   * rejects after that may or may not have been appended, so repeating it without a key may append it twice.
   *
   * @param idempotencyKey repeats with the same key within five minutes append nothing and resolve with the first id
   * @throws BusError `unavailable` when the log could not be reached for so long
   */
  publish(event: Event, idempotencyKey?: string): Promise<EventId>;
}

/** Reading the log: a gateway's side. */
export interface Subscriber {
  /**
   * Delivers to `follower` every event from a position on, in the order of ids, each exactly once. The position is the
   * log's end, or the latest events before it within `warm`. Resolves when the follower has been told everything up to
   * where the log ended. A subscriber has at most one follower at a time.
   *
   * @throws BusError `unavailable` (retryable) when the log can't be reached to begin with
   */
  follow(follower: Follower, warm?: WarmUp): Promise<Following>;

  /**
   * Retained events with `after < id`, oldest first, at most `max`. Something between `after` and them is gone where
   * the first one's `previous` is another id; or, when there are none, where `head` is.
   *
   * @throws BusError `unavailable` (retryable) when the log can't be reached
   */
  read(after: EventId, max: number): Promise<Page>;
}

export interface WarmUp {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export interface Page {
  readonly events: readonly LoggedEvent[];
  /** The log's last id when it was read. */
  readonly head: EventId;
}

/** None of these may throw or wait. */
export interface Follower {
  /** Once, before anything else: what comes is after this position. */
  begin(head: EventId): void;
  /** One event. If its `previous` is not what came before, events between are lost. */
  event(event: LoggedEvent): void;
  /**
   * Events after the last one delivered are lost (log flushed, restored, failed over), and there is none yet that
   * shows it. The log stands at `head`, which is never before the last one delivered. Ids go on rising.
   */
  lost(head: EventId): void;
}

export interface Following {
  /** Idempotent; nothing is delivered after it has been called. */
  stop(): void;
}

/** What `/readyz` and metrics say of the bus. */
export interface BusHealth {
  /** `connected`, or since when it is not and why (a constant text: no address, no credential). */
  health(): Health;
}

export type Health =
  | { readonly connected: true }
  | { readonly connected: false; readonly reason: string; readonly forMs: number };

export type Bus = Publisher & Subscriber & BusHealth;
