import type { EpochMs } from '../core/brand.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { compareEventIds, type EventId } from '../core/event-id.ts';
import type { Connection } from './connection.ts';
import { type Gap, type History, type ReplayTarget, replayFromLog, untilAvailable } from './log-replay.ts';
import type { StreamObserver } from './observer.ts';
import { planResume } from './resume.ts';
import type { Ring } from './ring.ts';
import type { StreamSettings } from './settings.ts';
import type { Sweep, SweepOutcome } from './sweep.ts';

/** How often it is looked whether the ring has come to where a client is. */
const LOOK_MS = 20;

export interface ReplayParts {
  readonly clock: Clock;
  readonly observer: StreamObserver;
  readonly history: History;
  readonly settings: () => StreamSettings;
  readonly ring: Ring;
  readonly sweep: Sweep;
  readonly outcome: SweepOutcome;
}

/** Gives resuming streams what they missed, from the ring if it reaches back that far, else from the log. */
export class Replay implements ReplayTarget {
  readonly #parts: ReplayParts;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** @param requested the client's last event id as it came */
  resume(connection: Connection, requested: string): void {
    const { clock, history, ring, settings } = this.#parts;
    const { replayPerStreamMax: eventsMax, lagMaxMs } = settings();
    const plan = planResume(requested, connection, ring, eventsMax);
    switch (plan.kind) {
      case 'ring':
        if (plan.gap !== undefined) this.gap(connection, { ...plan.gap, requested, position: ring.head });
        return this.caughtUp(connection, plan.seq);
      case 'log':
        connection.state = 'replaying';
        void replayFromLog(connection, plan.after, {
          history,
          ring,
          clock,
          target: this,
          eventsMax,
          lagMaxMs,
        });
        return;
      case 'ahead':
        connection.state = 'replaying';
        void this.#untilReached(connection, plan.after);
    }
  }

  /** What comes up to `after` the client has already; the stream begins when the ring has come there too. */
  async #untilReached(connection: Connection, after: EventId): Promise<void> {
    const { clock, history, ring } = this.#parts;
    const { head, headSeq } = ring;
    const page = await untilAvailable(connection, clock, () => history.read(after, 1));
    if (page === undefined) return;
    if (compareEventIds(page.head, after) < 0) {
      // The log has not come there either: whatever the client has, it is not of this log.
      this.gap(connection, { reason: 'future', requested: after, oldest: null, position: head });
      return this.caughtUp(connection, headSeq);
    }
    while (connection.state === 'replaying' && compareEventIds(ring.head, after) < 0)
      await sleep(clock, LOOK_MS);
    if (connection.state === 'replaying') this.resume(connection, after);
  }

  gap(connection: Connection, { reason, requested, oldest, position }: Gap): void {
    const { clock, observer, outcome, sweep } = this.#parts;
    const now = clock.now();
    if (now >= connection.authorisation.closeAt) return outcome.expired(connection, now);
    observer.gap(reason);
    connection.say({ kind: 'gap', requested, oldest }, now);
    // With nothing to follow, the client would keep an id that can't be resumed from.
    if (oldest === null && position !== undefined) {
      connection.say({ kind: 'position', id: position }, now);
      connection.idBehind = false;
    }
    sweep.wrote(connection);
  }

  sent(connection: Connection, events: number): void {
    const { clock, observer } = this.#parts;
    connection.writtenAt = clock.now();
    connection.events += events;
    connection.idBehind = false;
    observer.delivered(events);
    observer.replayed(events);
  }

  expired(connection: Connection, now: EpochMs): void {
    this.#parts.outcome.expired(connection, now);
  }

  slow(connection: Connection): void {
    this.#parts.outcome.slow(connection);
  }

  caughtUp(connection: Connection, seq: number): void {
    const { ring, sweep } = this.#parts;
    if (!connection.open) return;
    connection.cursor = seq;
    connection.joinedSeq = ring.headSeq;
    sweep.begin(connection);
  }
}
