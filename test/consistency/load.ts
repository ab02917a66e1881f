import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import type { ClientParts, Endpoint, Gateway, Temper, TokenHabit } from './client-parts.ts';
import { Client } from './clients.ts';
import { PATHS, RARE_TOPIC } from './deployment.ts';
import type { History } from './history.ts';
import { compareIds } from './ledger.ts';
import { type Addressed, Producer } from './producers.ts';

/** How much is asked of whatever is tested. */
export interface LoadSize {
  readonly producers: number;
  readonly clients: number;
  /** By all producers together. */
  readonly eventsPerSecond: number;
}

export interface LoadParts {
  readonly history: History;
  readonly random: Random;
  readonly gateways: () => readonly Gateway[];
  readonly ingests: () => readonly Endpoint[];
  readonly mint: ClientParts['mint'];
  /** Of producers; absent: they write into the same as clients. */
  readonly sent?: Pick<History, 'record'>;
  /** Before the names of its clients and producers, where there are several loads. */
  readonly prefix?: string;
  readonly lives?: ClientParts['lives'];
  /** In turn. */
  readonly habits?: readonly TokenHabit[];
  readonly tempers?: readonly Temper[];
}

/** Streams are open before anything breaks. */
const CONNECT_MS_MAX = 10_000;
const ANSWERED_MS_MAX = 35_000;
const SETTLE_MS_MAX = 20_000;
/** What should not come would come by then. */
const QUIET_MS = 500;
const POLL_MS = 20;
const SHARED_SUBJECTS = ['alice', 'bob', 'carol'];
const TOPICS = ['a', 'b', 'c'];
const TEMPERS: readonly Temper[] = ['wanders', 'stays', 'stays'];
const HABITS: readonly TokenHabit[] = ['answers', 'long', 'expires', 'answers'];
const RARE_CHANCE = 0.002;
const ADDRESSED_CHANCE = 0.15;
/** Fifty times a second it is asked: some eight seconds between. */
const LEAVE_CHANCE = 1 / 400;

/** Producers and clients, wherever gateways and ingests are. */
export class Load implements AsyncDisposable {
  readonly #history: History;
  readonly clients: readonly Client[];
  readonly #producers: readonly Producer[];

  constructor(size: LoadSize, parts: LoadParts) {
    this.#history = parts.history;
    this.clients = makeClients(size, parts);
    this.#producers = makeProducers(size, parts, this.clients);
  }

  /** Resolves when everything is sent and received, or soon might be. */
  async start(): Promise<void> {
    for (const client of this.clients) client.start();
    await until(() => this.clients.some(({ place }) => place !== undefined), CONNECT_MS_MAX);
    for (const producer of this.#producers) producer.start();
  }

  /** When everything is whole again: sends no more, and gives clients time for what they have not had. */
  async settle(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.stop(ANSWERED_MS_MAX)));
    for (const client of this.clients) client.calmDown();
    const caughtUp = () => this.clients.every((client) => hasCaughtUp(client, this.#producers));
    await until(caughtUp, SETTLE_MS_MAX);
    await wait(QUIET_MS);
    // Once more: a token that was not renewed before the calm may have ended its stream meanwhile.
    await until(caughtUp, SETTLE_MS_MAX);
    this.#history.record({ kind: 'settled' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.stop(0)));
    await Promise.all(this.clients.map((client) => client.stop()));
  }
}

/** Every path, temper and habit in turn; subjects are shared where an answer concerns one stream alone. */
function makeClients(
  { clients }: LoadSize,
  { history, random, gateways, mint, prefix = '', lives, habits = HABITS, tempers = TEMPERS }: LoadParts,
): readonly Client[] {
  return Array.from({ length: clients }, (_, i) => {
    const name = `${prefix}client-${i + 1}`;
    const path = at(PATHS, i);
    // Every third by one topic of its path, the last path's rare one among them.
    const narrow = i % 3 === 1 ? at(path.topics.toReversed(), (i - 1) / 3) : undefined;
    const parts: ClientParts = {
      name,
      view: {
        guard: path.guard,
        subject: path.answer === 'Subject' ? name : at(SHARED_SUBJECTS, i >> 1),
        topics: narrow === undefined ? path.topics : [narrow],
      },
      path: narrow === undefined ? path.path : `${path.path}?topic=${narrow}`,
      temper: at(tempers, i >> 1),
      lives,
      habit: at(habits, i >> 1),
      history,
      random,
      gateways,
      mint,
    };
    return new Client(parts);
  });
}

function makeProducers(
  { producers, eventsPerSecond }: LoadSize,
  { history, random, ingests, sent = history, prefix = '' }: LoadParts,
  clients: readonly Client[],
): readonly Producer[] {
  const address = (): Addressed => {
    const topic = random() < RARE_CHANCE ? RARE_TOPIC : pick(TOPICS, random);
    if (random() >= ADDRESSED_CHANCE) return { topic };
    const { view } = pick(clients, random);
    return view.topics.includes(topic) ? { topic, to: audience(view) } : { topic };
  };
  return Array.from(
    { length: producers },
    (_, i) =>
      new Producer({
        name: `${prefix}producer-${i + 1}`,
        history: sent,
        random,
        ingests,
        address,
        perSecond: eventsPerSecond / producers,
        leaveChance: LEAVE_CHANCE,
      }),
  );
}

function audience({ guard, subject }: Client['view']): { guard: string; subjects: readonly string[] } {
  return { guard, subjects: [subject, 'nobody'] };
}

/** It has an open stream, and the last event of each of its topics that was for everybody. */
function hasCaughtUp({ place, view }: Client, producers: readonly Producer[]): boolean {
  if (place === undefined) return false;
  return producers.every(({ heads }) =>
    view.topics.every((topic) => {
      const head = heads.get(topic);
      return head === undefined || compareIds(place, head) >= 0;
    }),
  );
}

/** Resolves when it holds, or when it is for the checker to say what is missing. */
async function until(holds: () => boolean, limitMs: number): Promise<void> {
  for (const since = performance.now(); !holds() && performance.now() - since < limitMs; )
    await wait(POLL_MS);
}

function pick<Value>(values: readonly Value[], random: Random): Value {
  return at(values, Math.floor(random() * values.length));
}

function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index % values.length];
  if (value === undefined) throw new TypeError('there is nothing to pick from');
  return value;
}
