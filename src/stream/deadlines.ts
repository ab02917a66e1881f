import { type EpochMs, epochMs } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { DeadlineWheel } from '../core/deadline-wheel.ts';
import { NEVER } from './authorisation.ts';
import type { CloseReason } from './close-reason.ts';
import type { Connection, DeadlineOwner } from './connection.ts';
import type { StreamObserver } from './observer.ts';
import type { Ring } from './ring.ts';
import type { Sessions } from './sessions.ts';
import type { StreamSettings } from './settings.ts';
import type { Sweep } from './sweep.ts';

/** What follows when time is up; the hub carries it out. */
export interface DeadlineOutcome {
  expired(connection: Connection, now: EpochMs): void;
  end(connection: Connection, reason: CloseReason): void;
  /** The peer did not take its end. */
  untaken(connection: Connection): void;
}

export interface DeadlineParts {
  readonly clock: Clock;
  readonly observer: StreamObserver;
  readonly settings: () => StreamSettings;
  readonly ring: Ring;
  readonly sessions: Sessions;
  readonly sweep: Sweep;
  readonly outcome: DeadlineOutcome;
}

/** Everything that happens to a stream because of the time: one entry of one wheel, whichever deadline comes first. */
export class Deadlines implements DeadlineOwner {
  readonly #parts: DeadlineParts;
  readonly #wheel: DeadlineWheel;

  constructor(parts: DeadlineParts) {
    this.#parts = parts;
    this.#wheel = new DeadlineWheel(parts.clock);
  }

  /** To be called whenever a deadline of the stream may have moved to an earlier time. */
  schedule(connection: Connection): void {
    if (connection.state === 'ended') return;
    connection.dueAt = this.#nextDue(connection);
    this.#wheel.schedule(connection);
  }

  remove(connection: Connection): void {
    this.#wheel.remove(connection);
  }

  stop(): void {
    this.#wheel.stop();
  }

  due(connection: Connection, now: EpochMs): void {
    const { outcome, settings } = this.#parts;
    if (!connection.open) {
      if (now >= connection.abortAt) outcome.untaken(connection);
      return;
    }
    if (now >= connection.authorisation.closeAt) return outcome.expired(connection, now);
    if (now >= connection.drainAt) return outcome.end(connection, 'draining');
    if (now >= connection.maxAgeAt) return outcome.end(connection, 'max_age');
    if (now >= connection.challengeAt) this.#challenge(connection, now);
    if (now >= connection.writtenAt + settings().heartbeatMs) this.#heartbeat(connection, now);
    connection.dueAt = this.#nextDue(connection);
  }

  #challenge(connection: Connection, now: EpochMs): void {
    const { observer, sessions, sweep } = this.#parts;
    connection.challengeAt = NEVER;
    connection.challenged = true;
    connection.challenges++;
    const { answer, guard } = connection.authorisation;
    const id = answer === 'Stream' ? { challengeId: sessions.challenge(connection) } : {};
    connection.say({ kind: 'challenge', ...id }, now);
    sweep.wrote(connection);
    if (guard !== undefined) observer.challenge(guard, 'sent');
  }

  #heartbeat(connection: Connection, now: EpochMs): void {
    const { ring, sweep } = this.#parts;
    const { state, lane, transport } = connection;
    connection.writtenAt = now;
    // A blocked peer would only be given more to take.
    if (state === 'blocked' || !transport.ready()) return;
    const hasAll = state === 'live' && lane.pending.length === 0 && lane.batch === undefined;
    if (hasAll && (connection.idBehind || connection.cursor < ring.headSeq)) {
      connection.say({ kind: 'position', id: ring.head }, now);
      connection.cursor = ring.headSeq;
      connection.idBehind = false;
    } else {
      connection.say({ kind: 'heartbeat' }, now);
    }
    sweep.wrote(connection);
  }

  #nextDue(connection: Connection): EpochMs {
    if (!connection.open) return connection.abortAt;
    const { authorisation, challengeAt, drainAt, maxAgeAt, writtenAt } = connection;
    const heartbeatAt = writtenAt + this.#parts.settings().heartbeatMs;
    return epochMs(Math.min(authorisation.closeAt, challengeAt, drainAt, maxAgeAt, heartbeatAt));
  }
}
