import type { EpochMs, Subject, Topic } from './brand.ts';
import type { EventId } from './event-id.ts';

/** Who alone may receive an event: the streams of these subjects, as authenticated by this guard. */
export interface Audience {
  readonly guard: string;
  readonly subjects: readonly Subject[];
}

/** An event as a producer publishes it, already validated by ingest. */
export interface Event {
  readonly topic: Topic;
  /** The SSE `event:` field; absent means the default type `message`. */
  readonly type?: string;
  /** The SSE `data` value, exactly as a client is to read it back, but for line breaks, which become LF. */
  readonly data: string;
  /** Absent: every stream that carries the topic. */
  readonly audience?: Audience;
  /** When ingest had read it whole; delivery latency counts from here. */
  readonly receivedAt: EpochMs;
}

/** An event with its place in the log. */
export interface LoggedEvent extends Event {
  readonly id: EventId;
  /**
   * The id of the event before it, `ORIGIN` for the first. The log is a chain: whoever knows the event before this one
   * has missed nothing, and where `previous` is another id, something between is gone.
   */
  readonly previous: EventId;
}

/** Types that the gateway itself sends; a producer may not use them. */
export const RESERVED_EVENT_TYPES: ReadonlySet<string> = new Set(['challenge', 'gap', 'end']);
