import { epochMs, type Subject, type Topic } from '../core/brand.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { LoggedEvent } from '../core/event.ts';
import type { EventId } from '../core/event-id.ts';
import { jitter, type Random } from '../core/random.ts';
import type { Authorisation } from './authorisation.ts';
import type { CloseReason } from './close-reason.ts';
import { Connection } from './connection.ts';
import { type DeadlineOutcome, Deadlines } from './deadlines.ts';
import { Farewell } from './farewell.ts';
import { Lanes } from './lanes.ts';
import type { History } from './log-replay.ts';
import type { OnEnded, StreamObserver } from './observer.ts';
import { Replay } from './replay.ts';
import { review } from './review.ts';
import { Ring } from './ring.ts';
import { type Holds, Sessions } from './sessions.ts';
import { RETRY_JITTER, type StreamSettings } from './settings.ts';
import { Sweep, type SweepOutcome } from './sweep.ts';
import type { Transport } from './transport.ts';

/** Age alone lets events go at least this often. */
const TRIM_MS = 1009;
const AGE_JITTER = 0.2;
/** A reconnecting client may come before its old connection is known to be gone, so a resume is let in up to here. */
const RESUME_ALLOWANCE = 2;

export interface HubParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: StreamObserver;
  readonly history: History;
  readonly settings: () => StreamSettings;
  /** Names this process in challenge ids. */
  readonly pod: string;
  /** Absent: nobody else needs to know whose streams are here. */
  readonly holds?: Holds;
  readonly onEnded?: OnEnded;
}

export interface Opening {
  readonly path: string;
  readonly transport: Transport;
  readonly topics: readonly Topic[];
  readonly authorisation: Authorisation;
  /** The client's last event id as it came. */
  readonly resume: string | undefined;
}

/** All open streams of this process: events come in at one side, leave through transports at the other. */
export class Hub implements DeadlineOutcome, SweepOutcome {
  readonly #parts: HubParts;
  readonly #ring = new Ring();
  readonly #lanes = new Lanes();
  readonly #sessions: Sessions;
  readonly #deadlines: Deadlines;
  readonly #farewell: Farewell;
  readonly #sweep: Sweep;
  readonly #replay: Replay;
  readonly #trim: Timer;
  #open = 0;
  #draining = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#sessions = new Sessions(parts.pod, parts.holds ?? (() => {}));
    this.#farewell = new Farewell(parts);
    this.#sweep = new Sweep(this.#ring, parts.clock, parts.observer, this, () => parts.settings().lagMaxMs);
    const shared = { ...parts, ring: this.#ring, sweep: this.#sweep, outcome: this };
    this.#deadlines = new Deadlines({ ...shared, sessions: this.#sessions });
    this.#replay = new Replay(shared);
    const { clock, settings } = parts;
    this.#trim = clock.every(TRIM_MS, () => this.#ring.trim(settings().ring, clock.monotonicMs()));
  }

  /** The log's position when the hub began to follow it: `begin`, `event` and `lost` are what the bus calls. */
  begin(head: EventId): void {
    this.#ring.begin(head);
  }

  /** The next event of the log; one that does not follow the last one tells of a loss. */
  event(event: LoggedEvent): void {
    const { clock, observer, settings } = this.#parts;
    if (event.previous !== this.#ring.head) this.lost(event.previous);
    observer.received();
    const entry = this.#ring.append(event, settings().ring, clock.monotonicMs());
    const { audience } = event;
    if (audience === undefined) {
      for (const lane of this.#lanes.carrying(event.topic)) this.#sweep.add(lane, entry);
      return;
    }
    for (const subject of new Set(audience.subjects)) {
      for (const connection of this.#sessions.of(audience.guard, subject)) {
        if (connection.lane.topics.has(event.topic)) this.#sweep.single(connection, entry);
      }
    }
  }

  /** The log has lost events after the last one: every stream is told in its turn. @param head where the log stands now */
  lost(head: EventId): void {
    const { clock, observer, settings } = this.#parts;
    const entry = this.#ring.appendGap(head, settings().ring, clock.monotonicMs(), clock.now());
    for (const lane of this.#lanes.all()) this.#sweep.add(lane, entry);
    for (let told = this.#open; told > 0; told--) observer.gap('lost');
  }

  /** Why a stream can't be opened now, or `undefined`. */
  refusal(holder: string | undefined, resuming: boolean): 'full' | 'draining' | 'per_subject' | undefined {
    if (this.#draining) return 'draining';
    const { connectionsMax, perHolderMax } = this.#parts.settings();
    if (this.#open >= connectionsMax) return 'full';
    const allowed = perHolderMax * (resuming ? RESUME_ALLOWANCE : 1);
    return holder !== undefined && this.#sessions.held(holder) >= allowed ? 'per_subject' : undefined;
  }

  /** The headers are out; from here on the stream is the hub's. `gone` must be called when the peer has left. */
  open({ path, transport, topics, authorisation, resume }: Opening): Connection {
    const { clock, observer, random, settings } = this.#parts;
    const now = clock.now();
    const lane = this.#lanes.of(topics);
    const seq = this.#ring.headSeq;
    const connection = new Connection(this.#deadlines, { path, transport, authorisation, lane, seq, now });
    this.#lanes.enter(connection);
    this.#sessions.add(connection);
    this.#open++;
    observer.opened(path);
    const { streamAgeMs, retryMs } = settings();
    if (streamAgeMs !== undefined)
      connection.maxAgeAt = epochMs(now + jitter(streamAgeMs, AGE_JITTER, random));
    const opening = { kind: 'opening', retryMs: Math.round(jitter(retryMs, RETRY_JITTER, random)) } as const;
    connection.say(resume === undefined ? { ...opening, head: this.#ring.head } : opening, now);
    if (resume === undefined) this.#sweep.begin(connection);
    else this.#replay.resume(connection, resume);
    this.#sweep.begun(connection);
    if (connection.open) this.#deadlines.schedule(connection);
    return connection;
  }

  /** The peer has closed, or the end has been taken. Idempotent. */
  gone(connection: Connection): void {
    if (connection.open) {
      this.#leave(connection);
      this.#parts.observer.closed('client_gone');
      this.#parts.onEnded?.('client_gone', connection);
    }
    connection.state = 'ended';
    this.#farewell.over(connection);
    this.#deadlines.remove(connection);
  }

  /** Every open stream of this guard and subject. */
  streamsOf(guard: string, subject: Subject): readonly Connection[] {
    return [...this.#sessions.of(guard, subject)];
  }

  /** The stream that was asked this challenge, while it is open and has not been asked another. */
  challenged(challengeId: string): Connection | undefined {
    return this.#sessions.challenged(challengeId);
  }

  /** The answer has been judged. @returns whether the stream goes on by it; one whose time is up is not brought back */
  renew(connection: Connection, authorisation: Authorisation): boolean {
    if (!connection.open || this.#parts.clock.now() >= connection.authorisation.closeAt) return false;
    connection.authorisation = authorisation;
    connection.challengeAt = authorisation.challengeAt;
    connection.challenged = false;
    if (authorisation.guard !== undefined) this.#parts.observer.challenge(authorisation.guard, 'answered');
    this.#deadlines.schedule(connection);
    return true;
  }

  /** What authorises may have changed: running streams are judged again, all or those that it concerns. */
  review(concerns?: (authorisation: Authorisation) => boolean): Promise<void> {
    return review(this.#connections(), {
      concerns,
      lanes: this.#lanes,
      sweep: this.#sweep,
      deadlines: this.#deadlines,
      end: (connection, reason) => this.end(connection, reason),
    });
  }

  /** No new streams; the running ones end at random within `windowMs`, told to come back. */
  drain(windowMs: number): void {
    this.#draining = true;
    const { clock, random } = this.#parts;
    for (const connection of this.#connections()) {
      connection.drainAt = epochMs(clock.now() + random() * windowMs);
      this.#deadlines.schedule(connection);
    }
  }

  /** Ends every stream now, waits at most `graceMs` for the peers to take it, then resets. */
  async stop(graceMs: number): Promise<void> {
    this.drain(0);
    for (const connection of this.#connections()) this.end(connection, 'draining');
    await this.#farewell.settle(graceMs);
    this.#trim.cancel();
    this.#sweep.stop();
    this.#deadlines.stop();
  }

  status() {
    const { head, floor, size, bytes } = this.#ring;
    const ring = { events: size, bytes, head, floor };
    return {
      connections: this.#open,
      draining: this.#draining,
      lag: this.#lanes.lag(this.#ring.headSeq),
      ring,
    };
  }

  // What time and sweep ask for.

  expired(connection: Connection, now = this.#parts.clock.now()): void {
    if (!connection.open) return;
    const { closeAt, guard } = connection.authorisation;
    this.#parts.observer.expiryError(now - closeAt);
    if (connection.challenged && guard !== undefined) this.#parts.observer.challenge(guard, 'unanswered');
    this.end(connection, 'token_expired');
  }

  slow(connection: Connection): void {
    this.end(connection, 'slow_consumer');
  }

  end(connection: Connection, reason: CloseReason): void {
    if (!connection.open) return;
    this.#leave(connection);
    this.#farewell.say(connection, reason);
    this.#deadlines.schedule(connection);
  }

  untaken(connection: Connection): void {
    this.#farewell.abort(connection);
    this.gone(connection);
  }

  #leave(connection: Connection): void {
    this.#lanes.leave(connection);
    this.#sessions.remove(connection);
    this.#open--;
  }

  /** A copy: streams may leave while it is walked. */
  #connections(): readonly Connection[] {
    return Array.from(this.#lanes.all(), (lane) => lane.connections).flat();
  }
}
