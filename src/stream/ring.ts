import type { EpochMs, Subject, Topic } from '../core/brand.ts';
import type { LoggedEvent } from '../core/event.ts';
import { compareEventIds, type EventId, ORIGIN } from '../core/event-id.ts';
import { encode } from './encode.ts';
import { type Frame, frame } from './frame.ts';

export interface RingEntry {
  /** Place in this process's ring: 1, 2, 3 … without holes, unlike ids. */
  readonly seq: number;
  /** The event's id; of a gap, the id of the last event before it. */
  readonly id: EventId;
  readonly previous: EventId;
  /** Absent: a gap, which is for every stream. */
  readonly topic: Topic | undefined;
  readonly audience: { readonly guard: string; readonly subjects: ReadonlySet<Subject> } | undefined;
  readonly frame: Frame;
  /** When ingest had read it, by ingest's clock. */
  readonly receivedAt: EpochMs;
  /** When it came into this ring, by this process's monotonic clock. */
  readonly appendedAtMs: number;
}

export interface RingBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
  readonly ageMaxMs: number;
}

/** What an entry costs besides its bytes: the object, its place, its Buffer. */
const ENTRY_OVERHEAD_BYTES = 256;

/**
 * The latest events, encoded once, shared by every connection. The newest event always stays, whatever its size.
 * When a bound is exceeded the oldest go; who still needed one of those has been lapped.
 */
export class Ring {
  #slots: (RingEntry | undefined)[] = new Array(1024);
  #first = 1;
  #next = 1;
  #bytes = 0;
  #floor: EventId = ORIGIN;
  #head: EventId = ORIGIN;
  /** The latest search: after a restart a crowd comes back with one and the same id. Good while the ring is as it was. */
  #sought = { id: ORIGIN, first: Number.NaN, next: Number.NaN, seq: Number.NaN };

  /** Nothing before `head` is known: the log had this position when the ring began to follow it. */
  begin(head: EventId): void {
    this.#floor = head;
    // The first event may have come before its position was told; the head never goes back.
    if (this.size === 0) this.#head = head;
  }

  append(event: LoggedEvent, bounds: RingBounds, nowMs: number): RingEntry {
    const { id, previous, type, data, topic, audience, receivedAt } = event;
    const block = type === undefined ? { id, data } : { id, type, data };
    const entry: RingEntry = {
      seq: this.#next,
      id,
      previous,
      topic,
      audience: audience && { guard: audience.guard, subjects: new Set(audience.subjects) },
      frame: frame(encode({ kind: 'event', ...block })),
      receivedAt,
      appendedAtMs: nowMs,
    };
    this.#put(entry, bounds, nowMs);
    this.#head = id;
    return entry;
  }

  /**
   * Events are gone between the last one and whatever follows: told to every stream that passes this place, now or
   * when it resumes.
   *
   * @param head where the log stands now, if that is known to be later
   */
  appendGap(head: EventId, bounds: RingBounds, nowMs: number, receivedAt: EpochMs): RingEntry {
    const id = this.#head;
    const entry: RingEntry = {
      seq: this.#next,
      id,
      previous: id,
      topic: undefined,
      audience: undefined,
      frame: frame(encode({ kind: 'gap', requested: id, oldest: null })),
      receivedAt,
      appendedAtMs: nowMs,
    };
    this.#put(entry, bounds, nowMs);
    if (compareEventIds(head, id) > 0) this.#head = head;
    return entry;
  }

  #put(entry: RingEntry, bounds: RingBounds, nowMs: number): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#slots[entry.seq % this.#slots.length] = entry;
    this.#next++;
    this.#bytes += costOf(entry);
    this.trim(bounds, nowMs);
  }

  /** Lets go of what is over the bounds; called at every append, and now and then for age alone. */
  trim(bounds: RingBounds, nowMs: number): void {
    while (this.size > 1) {
      const oldest = this.#slots[this.#first % this.#slots.length];
      if (oldest === undefined) return;
      const within =
        this.size <= bounds.eventsMax &&
        this.#bytes <= bounds.bytesMax &&
        oldest.appendedAtMs >= nowMs - bounds.ageMaxMs;
      if (within) return;
      this.#slots[this.#first % this.#slots.length] = undefined;
      this.#first++;
      this.#bytes -= costOf(oldest);
      this.#floor = oldest.id;
    }
  }

  get size(): number {
    return this.#next - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest entry's place; one past `headSeq` when empty. */
  get firstSeq(): number {
    return this.#first;
  }

  get headSeq(): number {
    return this.#next - 1;
  }

  /** The last event's id, or the log's position when the ring began or lost events. */
  get head(): EventId {
    return this.#head;
  }

  /** Every event after this id is in the ring. */
  get floor(): EventId {
    return this.#floor;
  }

  at(seq: number): RingEntry | undefined {
    return seq < this.#first || seq >= this.#next ? undefined : this.#slots[seq % this.#slots.length];
  }

  /** The place of the first entry later than `id`; one past `headSeq` when there is none. */
  seqAfter(id: EventId): number {
    const { first, next, id: sought } = this.#sought;
    if (sought !== id || first !== this.#first || next !== this.#next) {
      this.#sought = { id, first: this.#first, next: this.#next, seq: this.#search(id) };
    }
    return this.#sought.seq;
  }

  #search(id: EventId): number {
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = this.at(middle);
      if (entry !== undefined && isUpTo(entry, id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the ring knows `id`, so that whoever has that event has missed nothing before `seqAfter(id)`. */
  knows(id: EventId): boolean {
    const next = this.at(this.seqAfter(id));
    return (next === undefined ? this.#head : next.previous) === id;
  }

  #grow(): void {
    const larger: (RingEntry | undefined)[] = new Array(this.#slots.length * 2);
    for (let seq = this.#first; seq < this.#next; seq++) larger[seq % larger.length] = this.at(seq);
    this.#slots = larger;
  }
}

/** A gap lies after the event whose id it has. */
function isUpTo(entry: RingEntry, id: EventId): boolean {
  const order = compareEventIds(entry.id, id);
  return entry.topic === undefined ? order < 0 : order <= 0;
}

function costOf(entry: RingEntry): number {
  return entry.frame.chunk.length + ENTRY_OVERHEAD_BYTES;
}
