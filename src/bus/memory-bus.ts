import type { Clock } from '../core/clock.ts';
import type { Event, LoggedEvent } from '../core/event.ts';
import { compareEventIds, type EventId, eventId, millisecondsOf, ORIGIN } from '../core/event-id.ts';
import type { Bus, Follower, Following, Health, Page, WarmUp } from './bus.ts';
import { FirstIds } from './first-ids.ts';

export interface MemoryBusOptions {
  readonly clock: Clock;
  /** Read at each use. Whichever bound is met first; trimming is lazy, so that a little more is kept, never less. */
  readonly bounds: () => LogBounds;
}

export interface LogBounds {
  readonly maxEvents: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

/** What an event costs besides its data. */
const EVENT_OVERHEAD_BYTES = 256;
/** The oldest events go by the hundredth part of the log, since each time the rest is moved. */
const TRIM_FRACTION = 0.01;

/** The log and its one follower in this process: for `dev`, and for everything that needs no Redis. */
export class MemoryBus implements Bus {
  readonly #options: MemoryBusOptions;
  readonly #firstIds: FirstIds;
  #log: LoggedEvent[] = [];
  #bytes = 0;
  #head: EventId = ORIGIN;
  #lastMs = 0;
  #sequence = 0;
  #follower: Follower | undefined;

  constructor(options: MemoryBusOptions) {
    this.#options = options;
    this.#firstIds = new FirstIds(options.clock);
  }

  async publish(event: Event, idempotencyKey?: string): Promise<EventId> {
    const first = idempotencyKey === undefined ? undefined : this.#firstIds.get(idempotencyKey);
    if (first !== undefined) return first;
    const logged = { ...event, id: this.#nextId(), previous: this.#head };
    if (idempotencyKey !== undefined) this.#firstIds.put(idempotencyKey, logged.id);
    this.#log.push(logged);
    this.#bytes += costOf(logged);
    this.#head = logged.id;
    this.#trim();
    this.#follower?.event(logged);
    return logged.id;
  }

  async follow(follower: Follower, warm: WarmUp = { eventsMax: 0, bytesMax: 0 }): Promise<Following> {
    const latest = this.#latest(warm);
    follower.begin(latest[0]?.previous ?? this.#head);
    for (const event of latest) follower.event(event);
    this.#follower = follower;
    return {
      stop: () => {
        if (this.#follower === follower) this.#follower = undefined;
      },
    };
  }

  async read(after: EventId, max: number): Promise<Page> {
    const start = this.#indexAfter(after);
    return { events: this.#log.slice(start, start + max), head: this.#head };
  }

  health(): Health {
    return { connected: true };
  }

  /** As Redis does: the wall clock's milliseconds, or one more in sequence where it has not gone on. */
  #nextId(): EventId {
    const now = this.#options.clock.now();
    this.#sequence = now > this.#lastMs ? 0 : this.#sequence + 1;
    this.#lastMs = Math.max(now, this.#lastMs);
    return eventId(this.#lastMs, this.#sequence);
  }

  #trim(): void {
    const { maxEvents, maxAgeMs, maxBytes } = this.#options.bounds();
    const slack = 1 + TRIM_FRACTION;
    const oldest = this.#log[0];
    const kept = this.#options.clock.now() - maxAgeMs;
    const over =
      this.#log.length > maxEvents * slack ||
      this.#bytes > maxBytes * slack ||
      (oldest !== undefined && millisecondsOf(oldest.id) < kept - maxAgeMs * TRIM_FRACTION);
    if (!over) return;
    let gone = 0;
    for (const event of this.#log) {
      const left = this.#log.length - gone;
      if (left <= 1 || (left <= maxEvents && this.#bytes <= maxBytes && millisecondsOf(event.id) >= kept))
        break;
      this.#bytes -= costOf(event);
      gone++;
    }
    this.#log = this.#log.slice(gone);
  }

  #latest({ eventsMax, bytesMax }: WarmUp): readonly LoggedEvent[] {
    let start = this.#log.length;
    let bytes = 0;
    for (; start > 0 && this.#log.length - start < eventsMax; start--) {
      const event = this.#log[start - 1];
      bytes += event === undefined ? 0 : costOf(event);
      if (bytes > bytesMax) break;
    }
    return this.#log.slice(start);
  }

  #indexAfter(id: EventId): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.#log[middle];
      if (event !== undefined && compareEventIds(event.id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function costOf({ data }: LoggedEvent): number {
  return Buffer.byteLength(data) + EVENT_OVERHEAD_BYTES;
}
