import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { check, type Verdict } from './checker.ts';
import type { ClientParts } from './client-parts.ts';
import { Client } from './clients.ts';
import { Deployment, PATHS, RARE_TOPIC } from './deployment.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { type Entry, History } from './history.ts';
import { compareIds } from './ledger.ts';
import { type Pods, startDevPods, startPods } from './pods.ts';
import { type Addressed, Producer } from './producers.ts';
import { startStore } from './stores.ts';

export interface RunOptions {
  readonly fault: FaultName;
  readonly seconds: number;
  readonly seed: number;
  readonly gateways: number;
  readonly ingests: number;
  readonly producers: number;
  readonly clients: number;
  /** By all producers together. */
  readonly eventsPerSecond: number;
  readonly progress?: (line: string) => void;
}

export interface Outcome extends Verdict {
  readonly entries: readonly Entry[];
  /** Processes that ended, or did not end, as they should have. */
  readonly failures: readonly string[];
  /** The last lines that each process said. */
  readonly logs: Readonly<Record<string, readonly string[]>>;
}

/** Streams are open before anything breaks. */
const CONNECT_MS_MAX = 10_000;
/** Sending and reconnecting go on when everything is whole again. */
const AFTERMATH_MS = 1_500;
const ANSWERED_MS_MAX = 35_000;
const SETTLE_MS_MAX = 20_000;
/** What should not come would come by then. */
const QUIET_MS = 500;
const POLL_MS = 20;
const PROGRESS_MS = 5_000;
const SHARED_SUBJECTS = ['alice', 'bob', 'carol'];
const TOPICS = ['a', 'b', 'c'];
const RARE_CHANCE = 0.002;
const ADDRESSED_CHANCE = 0.15;
/** Fifty times a second it is asked: some eight seconds between. */
const LEAVE_CHANCE = 1 / 400;

/** The same fault, the same choices; what runs beside one another is the machine's to order. */
export async function run(options: RunOptions): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const fault = FAULTS[options.fault];
  const random = seededRandom(options.seed);
  const history = new History();
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-consistency-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const store = await startStore(fault.store, stack);
  const deployment = new Deployment(directory);
  await deployment.write(store.kind === 'memory' ? undefined : store.url);
  const pods = stack.use(
    store.kind === 'memory'
      ? await startDevPods(deployment)
      : await startPods(deployment, options.gateways, options.ingests),
  );
  const clients = makeClients(options, { history, random, pods, deployment });
  stack.defer(async () => void (await Promise.all(clients.map((client) => client.stop()))));
  const producers = makeProducers(options, { history, random, pods, clients });
  stack.defer(async () => void (await Promise.all(producers.map((producer) => producer.stop(0)))));
  using _progress = report(history, options.progress);

  for (const client of clients) client.start();
  await until(() => clients.some(({ place }) => place !== undefined), CONNECT_MS_MAX);
  for (const producer of producers) producer.start();
  await fault.run({
    store,
    pods,
    random,
    untilMs: performance.now() + options.seconds * 1_000,
    async during(broken) {
      history.record({ kind: 'fault', phase: 'begin', name: options.fault });
      await broken();
      history.record({ kind: 'fault', phase: 'end', name: options.fault });
    },
  });
  await wait(AFTERMATH_MS);
  await Promise.all(producers.map((producer) => producer.stop(ANSWERED_MS_MAX)));
  for (const client of clients) client.calmDown();
  const caughtUp = () => clients.every((client) => hasCaughtUp(client, producers));
  await until(caughtUp, SETTLE_MS_MAX);
  await wait(QUIET_MS);
  // Once more: a token that was not renewed before the calm may have ended its stream meanwhile.
  await until(caughtUp, SETTLE_MS_MAX);
  history.record({ kind: 'settled' });

  const { entries } = history;
  const all = [...pods.gateways, ...pods.ingests];
  return {
    ...check(entries, { gapsAllowed: fault.gapsAllowed }),
    entries,
    failures: all.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
    logs: Object.fromEntries(all.map(({ name, log }) => [name, log])),
  };
}

interface Parts {
  readonly history: History;
  readonly random: Random;
  readonly pods: Pods;
}

/** Every path, temper and habit in turn; subjects are shared where an answer concerns one stream alone. */
function makeClients(
  { clients }: RunOptions,
  { history, random, pods, deployment }: Parts & { readonly deployment: Deployment },
): readonly Client[] {
  return Array.from({ length: clients }, (_, i) => {
    const name = `client-${i + 1}`;
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
      temper: at(['wanders', 'stays', 'stays'] as const, i >> 1),
      habit: at(['answers', 'long', 'expires', 'answers'] as const, i >> 1),
      history,
      random,
      gateways: () => pods.gateways,
      mint: (view, from, untilMs) => deployment.mint(view, from, untilMs),
    };
    return new Client(parts);
  });
}

function makeProducers(
  { producers, eventsPerSecond }: RunOptions,
  { history, random, pods, clients }: Parts & { readonly clients: readonly Client[] },
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
        name: `producer-${i + 1}`,
        history,
        random,
        ingests: () => pods.ingests.map(({ port }) => port),
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

function report({ entries }: History, progress: RunOptions['progress']): Disposable {
  const timer = setInterval(() => {
    const count = (kind: Entry['kind']): number => entries.filter((entry) => entry.kind === kind).length;
    const counts = (['sent', 'acknowledged', 'event', 'opened', 'gap', 'fault'] as const).map(
      (kind) => `${kind} ${count(kind)}`,
    );
    progress?.(counts.join(' · '));
  }, PROGRESS_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function pick<Value>(values: readonly Value[], random: Random): Value {
  return at(values, Math.floor(random() * values.length));
}

function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index % values.length];
  if (value === undefined) throw new TypeError('there is nothing to pick from');
  return value;
}
