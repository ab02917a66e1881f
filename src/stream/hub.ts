import { type EpochMs, epochMs, type Subject, type Topic } from '../core/brand.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { DeadlineWheel } from '../core/deadline-wheel.ts';
import type { LoggedEvent } from '../core/event.ts';
import type { EventId } from '../core/event-id.ts';
import { jitter, type Random } from '../core/random.ts';
import { type Authorisation, NEVER } from './authorisation.ts';
import { CLOSE_REASONS, type CloseReason } from './close-reason.ts';
import { Connection, type DeadlineOwner } from './connection.ts';
import { type Block, encode } from './encode.ts';
import { bytesOf, frame } from './frame.ts';
import { Lanes } from './lanes.ts';
import { type Gap, type History, type ReplayTarget, replayFromLog } from './log-replay.ts';
import type { StreamObserver } from './observer.ts';
import { planResume } from './resume.ts';
import { Ring } from './ring.ts';
import { Sessions } from './sessions.ts';
import type { StreamSettings } from './settings.ts';
import { Sweep, type SweepOutcome } from './sweep.ts';
import type { Transport } from './transport.ts';

/** How long the peer has to take its end before the connection is reset. */
const END_TAKEN_MS = 5000;
/** So many streams are judged again before the event loop gets its turn. */
const REVIEW_SLICE = 256;
/** Age alone lets events go at least this often. */
const TRIM_MS = 1009;
const RETRY_JITTER = 0.25;
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
export class Hub implements DeadlineOwner, SweepOutcome, ReplayTarget {
  readonly #parts: HubParts;
  readonly #ring = new Ring();
  readonly #lanes = new Lanes();
  readonly #sessions: Sessions;
  readonly #wheel: DeadlineWheel;
  readonly #sweep: Sweep;
  readonly #trim: Timer;
  readonly #ending = new Set<Connection>();
  #open = 0;
  #draining = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#sessions = new Sessions(parts.pod);
    this.#wheel = new DeadlineWheel(parts.clock);
    this.#sweep = new Sweep(this.#ring, parts.clock, parts.observer, this, () => parts.settings().lagMaxMs);
    this.#trim = parts.clock.every(TRIM_MS, () => this.#ring.trim(parts.settings().ring, parts.clock.now()));
  }

  /** The log's position when the hub began to follow it. */
  begin(head: EventId): void {
    this.#ring.begin(head);
  }

  /** The next event of the log. */
  event(event: LoggedEvent): void {
    const { clock, observer, settings } = this.#parts;
    observer.received();
    const entry = this.#ring.append(event, settings().ring, clock.now());
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

  /** The log has lost events: every open stream is told. */
  lost(): void {
    for (const connection of this.#connections()) {
      this.gap(connection, { reason: 'lost', requested: this.#ring.head, oldest: null, position: undefined });
    }
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
    const connection = new Connection(this, { path, transport, authorisation, lane, seq, now });
    this.#lanes.enter(connection);
    this.#sessions.add(connection);
    this.#open++;
    observer.opened(path);
    const { streamAgeMs, retryMs } = settings();
    if (streamAgeMs !== undefined) {
      connection.maxAgeAt = epochMs(now + jitter(streamAgeMs, AGE_JITTER, random));
    }
    const opening = { kind: 'opening', retryMs: Math.round(jitter(retryMs, RETRY_JITTER, random)) } as const;
    this.#send(connection, resume === undefined ? { ...opening, head: this.#ring.head } : opening);
    if (resume !== undefined) this.#resume(connection, resume);
    this.#sweep.serve(connection);
    this.#schedule(connection);
    return connection;
  }

  /** The peer has closed, or the end has been taken. Idempotent. */
  gone(connection: Connection): void {
    if (connection.open) {
      this.#leave(connection);
      this.#parts.observer.closed('client_gone');
    }
    connection.state = 'ended';
    this.#ending.delete(connection);
    this.#wheel.remove(connection);
  }

  /** Every open stream of this guard and subject. */
  streamsOf(guard: string, subject: Subject): readonly Connection[] {
    return [...this.#sessions.of(guard, subject)];
  }

  /** The stream that was asked this challenge, while it is open and has not been asked another. */
  challenged(challengeId: string): Connection | undefined {
    return this.#sessions.challenged(challengeId);
  }

  /** The answer has been judged: the stream goes on under the new authorisation. */
  renew(connection: Connection, authorisation: Authorisation): void {
    if (!connection.open) return;
    connection.authorisation = authorisation;
    connection.challengeAt = authorisation.challengeAt;
    connection.challenged = false;
    if (authorisation.guard !== undefined) this.#parts.observer.challenge(authorisation.guard, 'answered');
    this.#schedule(connection);
  }

  /** Configuration or keys have changed: every running stream is judged again. */
  async review(): Promise<void> {
    let judged = 0;
    for (const connection of this.#connections()) {
      if (connection.open) this.#judge(connection);
      if (++judged % REVIEW_SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** No new streams; the running ones end at random within `windowMs`, told to come back. */
  drain(windowMs: number): void {
    this.#draining = true;
    const { clock, random } = this.#parts;
    for (const connection of this.#connections()) {
      connection.drainAt = epochMs(clock.now() + random() * windowMs);
      this.#schedule(connection);
    }
  }

  /** Ends every stream now, waits at most `graceMs` for the peers to take it, then resets. */
  async stop(graceMs: number): Promise<void> {
    this.drain(0);
    for (const connection of this.#connections()) this.end(connection, 'draining');
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + graceMs;
    while (this.#ending.size > 0 && clock.monotonicMs() < until) {
      await new Promise<void>((resolve) => clock.after(10, resolve));
    }
    for (const connection of this.#ending) connection.transport.abort();
    this.#trim.cancel();
    this.#sweep.stop();
    this.#wheel.stop();
  }

  status() {
    const { head, floor, size, bytes } = this.#ring;
    return { connections: this.#open, draining: this.#draining, ring: { events: size, bytes, head, floor } };
  }

  // What a deadline asks for.

  due(connection: Connection, now: EpochMs): void {
    if (connection.state === 'ending') {
      if (now < connection.abortAt) return;
      connection.transport.abort();
      this.#parts.observer.aborted();
      return this.gone(connection);
    }
    if (now >= connection.authorisation.closeAt) return this.expired(connection, now);
    if (now >= connection.drainAt) return this.end(connection, 'draining');
    if (now >= connection.maxAgeAt) return this.end(connection, 'max_age');
    if (now >= connection.challengeAt) this.#challenge(connection);
    if (now >= connection.writtenAt + this.#parts.settings().heartbeatMs) this.#heartbeat(connection, now);
    connection.dueAt = this.#nextDue(connection);
  }

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
    const { clock, observer, random, settings } = this.#parts;
    const retryMs = Math.round(jitter(settings().retryMs, RETRY_JITTER, random));
    this.#send(connection, {
      kind: 'end',
      reason,
      ...(CLOSE_REASONS[reason].reconnect ? { retryMs } : {}),
    });
    this.#leave(connection);
    connection.state = 'ending';
    this.#ending.add(connection);
    connection.transport.end();
    observer.closed(reason);
    connection.abortAt = epochMs(clock.now() + END_TAKEN_MS);
    connection.dueAt = connection.abortAt;
    this.#wheel.schedule(connection);
  }

  // What a replay from the log asks for.

  gap(connection: Connection, { reason, requested, oldest, position }: Gap): void {
    this.#parts.observer.gap(reason);
    this.#send(connection, { kind: 'gap', requested, oldest });
    // With nothing to follow, the client would keep an id that can't be resumed from.
    if (oldest === null && position !== undefined) this.#send(connection, { kind: 'position', id: position });
  }

  sent(connection: Connection, events: number): void {
    connection.writtenAt = this.#parts.clock.now();
    this.#parts.observer.delivered(events);
    this.#parts.observer.replayed(events);
  }

  caughtUp(connection: Connection, seq: number): void {
    connection.cursor = seq;
    this.#sweep.catchUp(connection);
  }

  #resume(connection: Connection, requested: string): void {
    const { clock, history, settings } = this.#parts;
    const { replayPerStreamMax: eventsMax, lagMaxMs } = settings();
    const plan = planResume(requested, connection, this.#ring, eventsMax);
    if (plan.kind === 'log') {
      connection.state = 'replaying';
      const context = { history, ring: this.#ring, clock, target: this, eventsMax, lagMaxMs };
      void replayFromLog(connection, plan.after, context);
      return;
    }
    connection.cursor = plan.seq;
    if (plan.gap !== undefined) {
      this.gap(connection, { ...plan.gap, requested, position: this.#ring.head });
    }
  }

  #judge(connection: Connection): void {
    const verdict = connection.authorisation.review();
    if (verdict.kind === 'refused') return this.end(connection, verdict.reason);
    const same =
      verdict.topics.length === connection.lane.topics.size &&
      verdict.topics.every((topic) => connection.lane.topics.has(topic));
    if (!same) this.#move(connection, verdict.topics);
    connection.authorisation = verdict.authorisation;
    if (!connection.challenged) connection.challengeAt = verdict.authorisation.challengeAt;
    this.#schedule(connection);
  }

  /** The path carries other topics now; the stream goes on with those from here. */
  #move(connection: Connection, topics: readonly Topic[]): void {
    this.#sweep.release(connection);
    this.#lanes.leave(connection);
    connection.lane = this.#lanes.of(topics);
    this.#lanes.enter(connection);
  }

  #challenge(connection: Connection): void {
    connection.challengeAt = NEVER;
    connection.challenged = true;
    const { answer, guard } = connection.authorisation;
    const id = answer === 'Stream' ? { challengeId: this.#sessions.challenge(connection) } : {};
    this.#send(connection, { kind: 'challenge', ...id });
    if (guard !== undefined) this.#parts.observer.challenge(guard, 'sent');
  }

  #heartbeat(connection: Connection, now: EpochMs): void {
    connection.writtenAt = now;
    // A blocked peer would only be given more to take; one that is being served hears from the hub soon enough.
    if (connection.state !== 'live' || !connection.transport.ready()) return;
    const { lane } = connection;
    const settled = lane.pending.length === 0 && lane.batchFirstSeq === Number.POSITIVE_INFINITY;
    if (!settled || connection.cursor >= this.#ring.headSeq)
      return this.#send(connection, { kind: 'heartbeat' });
    this.#send(connection, { kind: 'position', id: this.#ring.head });
    connection.cursor = this.#ring.headSeq;
  }

  #send(connection: Connection, block: Block): void {
    connection.transport.write(bytesOf(frame(encode(block)), connection.transport.format));
    connection.writtenAt = this.#parts.clock.now();
  }

  #schedule(connection: Connection): void {
    if (!connection.open) return;
    connection.dueAt = this.#nextDue(connection);
    this.#wheel.schedule(connection);
  }

  #nextDue({ authorisation, challengeAt, drainAt, maxAgeAt, writtenAt }: Connection): EpochMs {
    const heartbeatAt = writtenAt + this.#parts.settings().heartbeatMs;
    return epochMs(Math.min(authorisation.closeAt, challengeAt, drainAt, maxAgeAt, heartbeatAt));
  }

  #leave(connection: Connection): void {
    this.#lanes.leave(connection);
    this.#sessions.remove(connection);
    this.#open--;
  }

  /** A copy, since streams may leave while it is walked. */
  #connections(): readonly Connection[] {
    return Array.from(this.#lanes.all(), (lane) => lane.connections).flat();
  }
}
