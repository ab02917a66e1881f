import type { EpochMs } from '../core/brand.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { LoggedEvent } from '../core/event.ts';
import { compareEventIds, type EventId } from '../core/event-id.ts';
import type { Connection } from './connection.ts';
import { encode } from './encode.ts';
import { bytesOf, frame } from './frame.ts';
import type { GapReason } from './observer.ts';
import type { Ring } from './ring.ts';

/** The part of the bus that replay needs. */
export interface History {
  read(after: EventId, max: number): Promise<readonly LoggedEvent[]>;
  floor(): Promise<EventId>;
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
  { history, ring, clock, target, eventsMax, lagMaxMs }: ReplayContext,
): Promise<void> {
  const start = await untilAvailable(connection, clock, () =>
    findStart(connection, after, history, ring, eventsMax),
  );
  if (start === undefined || connection.state !== 'replaying') return;
  if (start.gap !== undefined) {
    target.gap(connection, {
      reason: start.gap,
      requested: after,
      oldest: start.oldest,
      position: start.scanned,
    });
  }
  let position = start.after;
  while (connection.state === 'replaying') {
    if (compareEventIds(position, ring.floor) >= 0) {
      return target.caughtUp(connection, ring.seqAfter(position) - 1);
    }
    const page = await untilAvailable(connection, clock, () => history.read(position, PAGE_EVENTS));
    if (page === undefined || connection.state !== 'replaying') return;
    const last = page.at(-1);
    if (last === undefined) return target.caughtUp(connection, ring.seqAfter(position) - 1);
    for (const event of page) {
      if (!mayReceive(connection, event)) continue;
      if (!(await ready(connection, clock, lagMaxMs))) return target.slow(connection);
      if (connection.state !== 'replaying') return;
      const now = clock.now();
      if (now >= connection.authorisation.closeAt) return target.expired(connection, now);
      connection.transport.write(
        bytesOf(frame(encode({ kind: 'event', ...wire(event) })), connection.transport.format),
      );
      target.sent(connection, 1);
    }
    position = last.id;
  }
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
  readonly oldest: EventId | null;
  /** How far the pass over the ids went. */
  readonly scanned: EventId;
}

/**
 * One pass over the ids decides where to begin, since whether there is a gap must be told before the first event.
 * Only ids are kept of it, at most `eventsMax` + 1.
 */
async function findStart(
  connection: Connection,
  after: EventId,
  history: History,
  ring: Ring,
  eventsMax: number,
): Promise<Start> {
  const floor = await history.floor();
  const trimmed = compareEventIds(after, floor) < 0;
  const latest: EventId[] = [];
  let skipped: EventId | undefined;
  let position = trimmed ? floor : after;
  const head = ring.head;
  for (;;) {
    const page = await history.read(position, PAGE_EVENTS);
    for (const event of page) {
      if (!mayReceive(connection, event)) continue;
      latest.push(event.id);
      if (latest.length > eventsMax) skipped = latest.shift();
    }
    const last = page.at(-1);
    if (last !== undefined) position = last.id;
    if (last === undefined || compareEventIds(last.id, head) >= 0 || !connection.open) break;
  }
  const oldest = latest[0] ?? null;
  const scanned = position;
  if (skipped !== undefined)
    return { after: skipped, gap: trimmed ? 'trimmed' : 'too_far_behind', oldest, scanned };
  return trimmed ? { after: floor, gap: 'trimmed', oldest, scanned } : { after, oldest, scanned };
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
async function untilAvailable<Result>(
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
