import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { REDIS_PREFIX } from './deployment.ts';
import type { Pod, Pods } from './pods.ts';
import type { Store } from './stores.ts';

export interface Scene {
  readonly store: Store;
  readonly pods: Pods;
  readonly random: Random;
  /** How long the fault has, by the monotonic clock of `performance`. */
  readonly untilMs: number;
  /** Writes into the history when something breaks and when it is whole again. */
  readonly during: (broken: () => Promise<void>) => Promise<void>;
}

export interface Fault {
  readonly store: Store['kind'];
  /** Whether acknowledged events may be lost by it, so that clients may be told of gaps. */
  readonly gapsAllowed: boolean;
  /**
   * How long after its end gateways may take to reach Redis again, or to give back what it has lost: until then revocations
   * may be late. Absent: it takes Redis from nobody, so the second that is promised counts throughout.
   */
  readonly recoveryMs?: number;
  /** Breaks things until its time is over, and leaves everything whole. */
  readonly run: (scene: Scene) => Promise<void>;
}

const STOP_MS = 10_000;
/** Sometimes with a second in between in which everything is back. */
const CUT_EVERY_MS = { min: 300, max: 4_000 };
/** How long something runs before it is broken (again), and how long it is away. */
const WHOLE_MS = { min: 700, max: 2_000 };
const AWAY_MS = { min: 100, max: 1_500 };
/** The probe finds it within three seconds. */
const UNNOTICED_MS = { min: 3_000, max: 4_000 };
/** Two between attempts, and the connecting. */
const RECONNECTED_MS = 3_000;
/** The first attempts are close to one another. */
const CUT_OVER_MS = 1_000;
/** Twice a second it is looked whether something is missing; it is given back within half a second. */
const GIVEN_BACK_MS = 1_200;
/** Until the others have noticed, and have said where to. */
const FAILED_OVER_MS = 5_000;
/** What has come meanwhile comes in any order. */
const AWOKEN_MS = 500;
/** Shorter and longer than the other nodes take to notice. */
const NODE_AWAY_MS = { min: 100, max: 4_000 };

export const FAULTS = {
  /** One process with its bus in memory, which nothing breaks: what the harness itself is tested against. */
  dev: { store: 'memory', gapsAllowed: false, run: nothing },
  none: { store: 'single', gapsAllowed: false, run: nothing },
  'redis-kill': {
    store: 'single',
    gapsAllowed: false,
    recoveryMs: RECONNECTED_MS,
    run: (scene) =>
      again(scene, async () => {
        const { redis } = single(scene);
        await redis.kill();
        await between(AWAY_MS, scene.random);
        await redis.start();
      }),
  },
  'redis-stop': {
    store: 'single',
    gapsAllowed: false,
    recoveryMs: RECONNECTED_MS,
    async run(scene) {
      const { redis } = single(scene);
      await between(WHOLE_MS, scene.random);
      const leftMs = scene.untilMs - performance.now();
      await scene.during(async () => {
        redis.pause();
        await wait(Math.min(STOP_MS, leftMs));
        redis.resume();
      });
    },
  },
  'redis-cut': {
    store: 'single',
    gapsAllowed: false,
    recoveryMs: CUT_OVER_MS,
    async run(scene) {
      const { proxy } = single(scene);
      while (performance.now() < scene.untilMs) {
        await scene.during(async () => proxy.cut());
        await between(CUT_EVERY_MS, scene.random);
      }
    },
  },
  /** The pods' connections lead nowhere and show no sign of it; what is said on new ones is heard. */
  'redis-half-open': {
    store: 'single',
    gapsAllowed: false,
    recoveryMs: RECONNECTED_MS,
    run: (scene) =>
      again(scene, async () => {
        single(scene).proxy.abandon();
        await between(UNNOTICED_MS, scene.random);
      }),
  },
  /** The log goes back to where it was a while ago. */
  'redis-restore': {
    store: 'single',
    gapsAllowed: true,
    recoveryMs: RECONNECTED_MS + GIVEN_BACK_MS,
    run: (scene) =>
      again(scene, async () => {
        const { redis } = single(scene);
        const snapshot = await redis.snapshot();
        await between(WHOLE_MS, scene.random);
        await redis.restoreSnapshot(snapshot);
      }),
  },
  'redis-flush': {
    store: 'single',
    gapsAllowed: true,
    recoveryMs: GIVEN_BACK_MS,
    run: (scene) => again(scene, () => single(scene).redis.flush()),
  },
  /** The replica gets nothing for a while and then becomes the master: what was acknowledged meanwhile is lost. */
  'sentinel-failover': {
    store: 'sentinel',
    gapsAllowed: true,
    recoveryMs: FAILED_OVER_MS,
    async run({ store, random, during }) {
      if (store.kind !== 'sentinel') throw new TypeError('this fault needs sentinels');
      const { sentinel } = store;
      await between(WHOLE_MS, random);
      await during(async () => {
        await sentinel.holdReplication();
        await between(AWAY_MS, random);
        await sentinel.lose('kill');
        await sentinel.rejoin();
      });
    },
  },
  /** There is no replica: its slots are nobody's until it is back, with all that it had. */
  'cluster-owner-kill': {
    store: 'cluster',
    gapsAllowed: false,
    recoveryMs: FAILED_OVER_MS,
    run: (scene) =>
      again(scene, async () => {
        if (scene.store.kind !== 'cluster') throw new TypeError('this fault needs a cluster');
        const { cluster } = scene.store;
        const owner = await cluster.killOwner(REDIS_PREFIX);
        await between(NODE_AWAY_MS, scene.random);
        await owner.start();
        await cluster.settle();
      }),
  },
  /** It comes back behind the log, while clients that were at another gateway come to it. */
  'gateway-stop': {
    store: 'single',
    gapsAllowed: false,
    recoveryMs: AWOKEN_MS,
    run: (scene) =>
      again(scene, async () => {
        const { gateways } = scene.pods;
        const pod = gateways[Math.floor(scene.random() * gateways.length)];
        pod?.pause();
        await between(AWAY_MS, scene.random);
        pod?.resume();
      }),
  },
  'gateway-kill': {
    store: 'single',
    gapsAllowed: false,
    run: (scene) => again(scene, () => replace(scene, scene.pods.gateways, 'kill')),
  },
  'gateway-drain': {
    store: 'single',
    gapsAllowed: false,
    run: (scene) => again(scene, () => replace(scene, scene.pods.gateways, 'drain')),
  },
  'ingest-kill': {
    store: 'single',
    gapsAllowed: false,
    run: (scene) => again(scene, () => replace(scene, scene.pods.ingests, 'kill')),
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

async function nothing({ untilMs }: Scene): Promise<void> {
  await wait(Math.max(0, untilMs - performance.now()));
}

/** Once at least, and then as often as there is time for it. */
async function again({ untilMs, random, during }: Scene, broken: () => Promise<void>): Promise<void> {
  do {
    await between(WHOLE_MS, random);
    await during(broken);
  } while (performance.now() < untilMs);
}

async function replace({ random }: Scene, pods: readonly Pod[], how: 'kill' | 'drain'): Promise<void> {
  const pod = pods[Math.floor(random() * pods.length)];
  await pod?.[how]();
  await between(AWAY_MS, random);
  await pod?.start();
}

async function between({ min, max }: { min: number; max: number }, random: Random): Promise<void> {
  await wait(min + random() * (max - min));
}

function single({ store }: Scene): Extract<Store, { kind: 'single' }> {
  if (store.kind !== 'single') throw new TypeError('this fault needs a single server');
  return store;
}
