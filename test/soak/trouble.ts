import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import type { Endpoint } from '../consistency/client-parts.ts';
import type { History } from '../consistency/history.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { stall } from './bulk.ts';
import type { Issuers } from './issuers.ts';

/** What goes wrong while there is load; each in its own odd rhythm, so that they come together in every order. */
const REDIS_MS = { min: 3_000, max: 15_000 };
const CLIENTS_MS = { min: 2_000, max: 8_000 };
const KEYS_MS = { min: 13_000, max: 31_000 };
const STALLED_MS = { min: 1_000, max: 10_000 };
const HELD_MS = { min: 100, max: 1_500 };
/** Of what happens to Redis's connections; the others are cut. */
const HELD_CHANCE = 0.15;
const ABANDONED_CHANCE = 0.1;
/** A probe finds that it is deaf within three seconds. */
const UNNOTICED_MS = 3_000;
/** From then on, until every process has reached Redis again: the first attempts are close to one another. */
const RECOVERY_MS = 1_500;

export interface Scene {
  readonly random: Random;
  /** Between pods and Redis. */
  readonly redis: TcpProxy;
  /** Between some of the clients and their gateways. */
  readonly clients: readonly TcpProxy[];
  readonly issuers: Issuers;
  readonly gateways: readonly Endpoint[];
  readonly ingests: readonly Endpoint[];
  readonly tally: Tally;
  /** When Redis may be out of reach. */
  readonly history: Pick<History, 'record'>;
}

/** How often each has happened: a run without trouble shows nothing. */
export interface Tally {
  redis: number;
  clients: number;
  /** Revocations that were acknowledged. */
  revoked: number;
  stalled: number;
}

/** Until the time is over; resolves when all is whole again. */
export async function trouble(scene: Scene, untilMs: number): Promise<void> {
  const { random, redis, clients, issuers, gateways, ingests, tally, history } = scene;
  const again = async (pause: Range, act: () => unknown): Promise<void> => {
    for (;;) {
      const ms = within(pause, random);
      const leftMs = untilMs - performance.now();
      await wait(Math.max(0, Math.min(ms, leftMs)));
      if (leftMs <= ms) return;
      await act();
    }
  };
  await Promise.all([
    again(REDIS_MS, async () => {
      tally.redis++;
      const dice = random();
      const isAbandoned = dice >= HELD_CHANCE && dice < HELD_CHANCE + ABANDONED_CHANCE;
      const recoveryMs = RECOVERY_MS + (isAbandoned ? UNNOTICED_MS : 0);
      const fault = { kind: 'fault', name: 'redis', recoveryMs } as const;
      history.record({ ...fault, phase: 'begin' });
      if (dice < HELD_CHANCE) {
        redis.stall();
        await wait(within(HELD_MS, random));
        redis.flow();
      } else if (isAbandoned) redis.abandon();
      else redis.cut();
      history.record({ ...fault, phase: 'end' });
    }),
    again(CLIENTS_MS, () => {
      tally.clients++;
      pick(clients, random).cut();
    }),
    again(KEYS_MS, () => issuers.rotate()),
    again(STALLED_MS, async () => {
      if (await stall(pick(gateways, random), pick(ingests, random))) tally.stalled++;
    }),
  ]);
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function within({ min, max }: Range, random: Random): number {
  return min + random() * (max - min);
}

function pick<Value>(values: readonly Value[], random: Random): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new TypeError('there is nothing to pick from');
  return value;
}
