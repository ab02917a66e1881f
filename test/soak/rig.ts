import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeys } from '../../src/bus/keys.ts';
import type { Random } from '../../src/core/random.ts';
import type { TokenHabit } from '../consistency/client-parts.ts';
import { Deployment, GATEWAY_SPEC, REDIS_PREFIX } from '../consistency/deployment.ts';
import type { LoadParts } from '../consistency/load.ts';
import { type Pods, startPods } from '../consistency/pods.ts';
import { startRedis } from '../support/redis/redis-server.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { BULK, BULK_LAG_TIME } from './bulk.ts';
import { Issuers } from './issuers.ts';
import { MAX_TOKEN_LIFETIME } from './kept.ts';

const GATEWAYS = 2;
const INGESTS = 1;
const LEAD_TIME = '8s';
const TOKENS = { shortMs: 30_000, longMs: 30_000 };
/** Most renew their tokens, some let them end. */
const HABITS: readonly TokenHabit[] = ['answers', 'answers', 'answers', 'expires'];
const PRELOAD = { file: join(import.meta.dirname, 'probe.ts'), flags: ['--expose-gc'] };

/** Small bounds, so that all of them are reached in the first cycle. */
const GATEWAY = {
  streams: [...GATEWAY_SPEC.streams, { path: BULK.path, topics: [BULK.topic], public: true }],
  heartbeat: '5s',
  replay: { maxEvents: 1_000_000, maxBytes: '64Mi', maxPerStream: 1_000_000 },
  limits: { perSubject: 1_000, ringBytes: '4Mi', lagTime: BULK_LAG_TIME },
};

export interface Rig {
  readonly pods: Pods;
  /** Between pods and Redis. */
  readonly redis: TcpProxy;
  /** How many revocations Redis holds. */
  readonly revocationsInRedis: () => Promise<number>;
  /** Between some clients and their gateways. */
  readonly clients: readonly TcpProxy[];
  readonly issuers: Issuers;
  /** What clients and producers of a cycle need, but for where they write. */
  readonly parts: Omit<LoadParts, 'history'>;
}

/** @param stack ends what was started */
export async function startRig(random: Random, stack: AsyncDisposableStack): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-soak-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const server = stack.use(await startRedis({ appendonly: false }));
  const redis = stack.use(await startProxy(server.port));
  const issuers = stack.use(new Issuers(random));
  await issuers.start();
  const deployment = new Deployment(directory, issuers.keys, {
    guard: (name, answer) => ({
      jwks: issuers.jwks(name),
      challenge: { leadTime: LEAD_TIME, answer },
      maxTokenLifetime: MAX_TOKEN_LIFETIME,
    }),
    gateway: GATEWAY,
  });
  await deployment.write(`redis://127.0.0.1:${redis.port}`);
  const pods = stack.use(await startPods(deployment, GATEWAYS, INGESTS, PRELOAD));
  const clients: TcpProxy[] = [];
  for (const { port } of pods.gateways) clients.push(stack.use(await startProxy(port)));
  // To each gateway there are two ways, and one of them is cut again and again.
  const gateways = pods.gateways.flatMap(({ name, port }, i) => [
    { name, port },
    { name, port: clients[i]?.port ?? port },
  ]);
  return {
    pods,
    redis,
    revocationsInRedis: async () => Number(await server.cli('HLEN', createKeys(REDIS_PREFIX).revocations)),
    clients,
    issuers,
    parts: {
      random,
      gateways: () => gateways,
      ingests: () => pods.ingests,
      mint: (...token) => deployment.mint(...token),
      lives: TOKENS,
      habits: HABITS,
    },
  };
}
