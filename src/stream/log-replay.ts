import type { EpochMs } from '../core/brand.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { LoggedEvent } from '../core/event.ts';
import { compareEventIds, type EventId } from '../core/event-id.ts';
import { Fifo } from '../core/fifo.ts';
import type { Connection } from './connection.ts';
import type { GapReason } from './observer.ts';
import type { Ring } from './ring.ts';

/** The part of the bus that replay needs. */
export interface History {
  /** @returns retained events with `after < id`, oldest first, at most `max`, and the log's last id at that time */
  read(
    after: EventId,
    max: number,
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly head: EventId }>;
}

/** What a client is told it misses. */
export interface Gap {
  readonly reason: GapReason;
  readonly requested: string;
  /** The first event that follows, or `null`. */
  readonly oldest: EventId | null;
  /** Where the client stands after this when nothing follows. */
  readonly position: EventId | undefined;
}

/** What a replay does to its stream; the hub carries it out. */
export interface ReplayTarget {
  gap(connection: Connection, gap: Gap): void;
  sent(connection: Connection, events: number): void;
  expired(connection: Connection, now: EpochMs): void;
  slow(connection: Connection): void;
  /** The ring has everything after `seq`: from here on the stream is served from there. */
  caughtUp(connection: Connection, seq: number): void;
}

const PAGE_EVENTS = 256;
/** How often a client that takes its replay slowly, or a log that can't be reached, is tried again. */
const RETRY_MS = 20;
const UNAVAILABLE_RETRY_MS = 1000;

/**
 * Sends a stream what it may see of the log after `after`, page by page, until the ring takes over.
 * Live events never overtake: the stream is in state `replaying`, which no sweep serves.
 */
export async function replayFromLog(
  connection: Connection,
  after: EventId,
  context: ReplayContext,
): Promise<void> {
  let from: EventId | undefined = after;
  while (from !== undefined) from = await replayRetained(connection, from, context);
}

/** @returns where it stood when the log let go of what follows, so that a gap has to be told; else `undefined` */
async function replayRetained(
  connection: Connection,
  requested: EventId,
  context: ReplayContext,
): Promise<EventId | undefined> {
  const { history, ring, clock, target } = context;
  const start = await untilAvailable(connection, clock, () => findStart(connection, requested, context));
  if (start === undefined || connection.state !== 'replaying') return undefined;
  const { oldest, gap } = start;
  let position = start.after;
  connection.idBehind ||= compareEventIds(position, requested) > 0;
  if (gap !== undefined) target.gap(connection, { reason: gap, requested, oldest, position });
  while (connection.state === 'replaying') {
    if (compareEventIds(position, ring.floor) >= 0) {
      target.caughtUp(connection, ring.seqAfter(position) - 1);
      return undefined;
    }
    const page = await untilAvailable(connection, clock, () => readPage(history, position, ring));
    if (page === undefined || connection.state !== 'replaying') return undefined;
    if (page.broken) return position;
    await send(connection, page.events, context);
    position = page.upTo;
  }
  return undefined;
}

export interface ReplayContext {
  readonly history: History;
  readonly ring: Ring;
  readonly clock: Clock;
  readonly target: ReplayTarget;
  readonly eventsMax: number;
  readonly lagMaxMs: number;
}

interface Start {
  readonly after: EventId;
  readonly gap?: GapReason;
  /** The first event to be sent, or `null`. */
  readonly oldest: EventId | null;
}

/**
 * One pass over the ids decides where to begin, since whether there is a gap must be told before the first event.
 * Only ids are kept of it, of at most `eventsMax` + 1 events.
 */
async function findStart(
  connection: Connection,
  after: EventId,
  { history, ring, eventsMax }: ReplayContext,
): Promise<Start> {
  const latest = new Fifo<{ readonly before: EventId; readonly id: EventId }>();
  let trimmed = false;
  let tooMany = false;
  let position = after;
  const { head } = ring;
  while (connection.open) {
    const page = await readPage(history, position, ring);
    // A chain that breaks after it has begun is a gap of its own, told when the replay has come to it.
    if (page.broken && position !== after) break;
    trimmed ||= page.broken;
    for (const event of page.events) {
      if (mayReceive(connection, event)) latest.push({ before: event.previous, id: event.id });
      if (latest.size <= eventsMax) continue;
      latest.shift();
      tooMany = true;
    }
    position = page.upTo;
    if (page.events.length === 0 || compareEventIds(position, head) >= 0) break;
  }
  const first = latest.shift();
  // From just before that event, not from `after`: a review may change the topics while it is replayed.
  const start = { after: first?.before ?? position, oldest: first?.id ?? null };
  if (trimmed) return { ...start, gap: 'trimmed' };
  return tooMany ? { ...start, gap: 'too_far_behind' } : start;
}

interface Page {
  /** An unbroken chain, none later than the ring's head: what is later comes by itself. */
  readonly events: readonly LoggedEvent[];
  /** Whether something between `after` and the events is missing. */
  readonly broken: boolean;
  /** Everything up to here that the log or the ring has is among the events, or in the ring. */
  readonly upTo: EventId;
}

async function readPage(history: History, after: EventId, ring: Ring): Promise<Page> {
  // As it was before the log was asked: meanwhile the ring may let go of what the log has yet to be asked for.
  const { floor } = ring;
  const page = await history.read(after, PAGE_EVENTS);
  const events = unbroken(page.events, ring.head);
  return {
    events,
    broken: (page.events[0]?.previous ?? page.head) !== after,
    upTo: events.at(-1)?.id ?? floor,
  };
}

/** The events up to the first one that does not follow the one before, or is later than `head`. */
function unbroken(events: readonly LoggedEvent[], head: EventId): readonly LoggedEvent[] {
  const end = events.findIndex(
    ({ id, previous }, i) => (i > 0 && previous !== events[i - 1]?.id) || compareEventIds(id, head) > 0,
  );
  return end < 0 ? events : events.slice(0, end);
}

/** Sends what of a page is for the stream, no faster than the peer takes it. */
async function send(
  connection: Connection,
  events: readonly LoggedEvent[],
  { clock, lagMaxMs, target }: ReplayContext,
): Promise<void> {
  for (const event of events) {
    if (!mayReceive(connection, event)) {
      connection.idBehind = true;
      continue;
    }
    const taken = await ready(connection, clock, lagMaxMs);
    if (connection.state !== 'replaying') return;
    if (!taken) return target.slow(connection);
    const now = clock.now();
    if (now >= connection.authorisation.closeAt) return target.expired(connection, now);
    connection.say({ kind: 'event', ...wire(event) }, now);
    target.sent(connection, 1);
  }
}

function mayReceive(connection: Connection, event: LoggedEvent): boolean {
  if (!connection.lane.topics.has(event.topic)) return false;
  const { audience } = event;
  if (audience === undefined) return true;
  const { guard, subject } = connection.authorisation;
  return subject !== undefined && audience.guard === guard && audience.subjects.includes(subject);
}

function wire({ id, type, data }: LoggedEvent): { id: EventId; type?: string; data: string } {
  return type === undefined ? { id, data } : { id, type, data };
}

/** @returns whether the peer took what was written within `lagMaxMs` */
async function ready(connection: Connection, clock: Clock, lagMaxMs: number): Promise<boolean> {
  const since = clock.monotonicMs();
  while (connection.state === 'replaying' && !connection.transport.ready()) {
    if (clock.monotonicMs() - since > lagMaxMs) return false;
    await sleep(clock, RETRY_MS);
  }
  return true;
}

/** Repeats while the log can't be reached and the stream is open: a stream waits for its past, it does not skip it. */
export async function untilAvailable<Result>(
  connection: Connection,
  clock: Clock,
  attempt: () => Promise<Result>,
): Promise<Result | undefined> {
  while (connection.state === 'replaying') {
    try {
      return await attempt();
    } catch {
      // The bus reports its own failures (`bus_connected`, `/readyz`); here there is only waiting.
      await sleep(clock, UNAVAILABLE_RETRY_MS);
    }
  }
  return undefined;
}
