import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { epochMs, type Subject, subject, topic } from '../../src/core/brand.ts';
import type { LoggedEvent } from '../../src/core/event.ts';
import { type EventId, eventId } from '../../src/core/event-id.ts';
import type { Random } from '../../src/core/random.ts';
import { type Authorisation, NEVER, type Verdict } from '../../src/stream/authorisation.ts';
import type { Connection } from '../../src/stream/connection.ts';
import type { WireFormat } from '../../src/stream/frame.ts';
import { Hub } from '../../src/stream/hub.ts';
import type { StreamSettings } from '../../src/stream/settings.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeHistory } from './fake-history.ts';
import { FakeTransport } from './fake-transport.ts';
import { StreamObservations } from './stream-observations.ts';

export const SETTINGS: StreamSettings = {
  ring: { eventsMax: 1000, bytesMax: 64 * 1024 * 1024, ageMaxMs: 3_600_000 },
  replayPerStreamMax: 10_000,
  connectionsMax: 1000,
  perHolderMax: 20,
  lagMaxMs: 30_000,
  streamAgeMs: undefined,
  heartbeatMs: 15_000,
  retryMs: 2000,
};

/** Midway, where jitter changes nothing. */
export const NO_JITTER = 0.5;

export interface StreamStart {
  readonly topics?: readonly string[];
  readonly resume?: string;
  readonly format?: WireFormat;
  /** Of the streams of one HTTP/2 connection. */
  readonly group?: number;
  readonly subject?: string;
  readonly authorisation?: Partial<Authorisation>;
}

export interface Stream {
  readonly connection: Connection;
  readonly transport: FakeTransport;
}

export interface PublishOptions {
  readonly type?: string;
  readonly to?: readonly string[];
  readonly guard?: string;
}

/** A hub with doubles for time, peers and the log; the log has an event before the hub has. */
export class HubRig {
  readonly clock: FakeClock;
  readonly observed = new StreamObservations();
  readonly history = new FakeHistory();
  readonly hub: Hub;
  /** What was told of streams when they ended. */
  readonly ended: {
    readonly reason: string;
    readonly path: string;
    readonly events: number;
    readonly bytes: number;
    readonly challenges: number;
  }[] = [];
  settings: StreamSettings;
  #published = 0;

  constructor(
    settings: Partial<StreamSettings> = {},
    random: Random = () => NO_JITTER,
    clock = new FakeClock(),
  ) {
    this.clock = clock;
    this.settings = { ...SETTINGS, ...settings };
    this.hub = new Hub({
      clock,
      random,
      observer: this.observed,
      history: this.history,
      settings: () => this.settings,
      pod: 'pod-a',
      onEnded: (reason, { path, events, bytes, challenges }) =>
        void this.ended.push({ reason, path, events, bytes, challenges }),
    });
  }

  /** The nth event that is published has this id. */
  id(nth: number): EventId {
    return eventId(1_700_000_000_000 + nth, 0);
  }

  publish(name: string, data: string, options: PublishOptions = {}): LoggedEvent {
    const event = this.log(name, data, options);
    this.hub.event(event);
    return event;
  }

  /** The log has the event, the hub never hears of it: it was published before the hub began. */
  log(name: string, data: string, { type, to, guard = 'main' }: PublishOptions = {}): LoggedEvent {
    const event: LoggedEvent = {
      id: this.id(++this.#published),
      previous: this.history.head,
      topic: topic(name),
      data,
      receivedAt: this.clock.now(),
      ...(type === undefined ? {} : { type }),
      ...(to === undefined ? {} : { audience: { guard, subjects: to.map(subject) } }),
    };
    this.history.append(event);
    return event;
  }

  open({ topics = ['events'], resume, format = 'chunked', group = 0, ...who }: StreamStart = {}): Stream {
    const transport = new FakeTransport(format, () => this.clock.now(), group);
    const authorisation = authorise({
      ...(who.subject === undefined ? {} : { subject: subject(who.subject) }),
      ...who.authorisation,
    });
    const connection = this.hub.open({
      path: '/events',
      transport,
      topics: topics.map(topic),
      authorisation,
      resume,
    });
    return { connection, transport };
  }

  /** Streams of as many holders that have come to their lane. */
  async crowd(count: number, start: StreamStart = {}): Promise<readonly Stream[]> {
    const authorisation = { holder: undefined, ...start.authorisation };
    const streams = Array.from({ length: count }, () => this.open({ ...start, authorisation }));
    await this.turn();
    for (const { connection } of streams) assert.equal(connection.state, 'live');
    return streams;
  }

  /** Time passes, and the event loop with it. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await this.turn();
  }

  /** The event loop goes round so often; a sweep that is not longer than that is over then. */
  async turn(times = 12): Promise<void> {
    for (let i = 0; i < times; i++) await setImmediate();
  }
}

/** Every Buffer that was written after the opening. */
export function written({ transport }: Stream): readonly Buffer[] {
  return transport.writes.slice(1).map(({ bytes }) => bytes);
}

/** A stream's rights; unless told otherwise, alice's, without end, and unchanged by any review. */
export function authorise(parts: Partial<Authorisation> = {}): Authorisation {
  const authorisation: Authorisation = {
    guard: 'main',
    subject: subject('alice'),
    session: undefined,
    holder: 'main alice',
    answer: 'Stream',
    challengeAt: NEVER,
    closeAt: NEVER,
    expiresAt: NEVER,
    review: (): Verdict => ({ kind: 'allowed', authorisation, topics: [topic('events')] }),
    ...parts,
  };
  return authorisation;
}

/** A token that ends in `closeInMs` and is asked for anew `leadMs` before. */
export function expiring(
  clock: FakeClock,
  closeInMs: number,
  leadMs?: number,
): Pick<Authorisation, 'closeAt' | 'expiresAt' | 'challengeAt'> {
  const closeAt = epochMs(clock.now() + closeInMs);
  return {
    closeAt,
    expiresAt: closeAt,
    challengeAt: leadMs === undefined ? NEVER : epochMs(closeAt - leadMs),
  };
}

export function topics(...names: string[]) {
  return names.map(topic);
}

export const ALICE: Subject = subject('alice');
