import type { TestContext } from 'node:test';
import type { Bus } from '../../../src/bus/bus.ts';
import type { RedisSettings, RedisTls } from '../../../src/bus/redis-client.ts';
import { RedisLink } from '../../../src/bus/redis-link.ts';
import { type PublisherSettings, RedisPublisher } from '../../../src/bus/redis-publisher.ts';
import { RedisSubscriber } from '../../../src/bus/redis-subscriber.ts';
import { parseRedisUrl } from '../../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { silentLog as log } from '../../../src/core/log.ts';
import { until } from '../until.ts';

export interface BusProcessOptions extends Partial<PublisherSettings> {
  readonly prefix?: string;
  readonly tls?: RedisTls;
  /** Of the gateway's connections, where they are others than the ingest's. */
  readonly followUrl?: string;
}

/** What a gateway and an ingest have of the bus, in one process, with what happened to their connections. */
export interface BusProcess extends Bus {
  readonly subscriber: RedisSubscriber;
  readonly publisher: RedisPublisher;
  readonly links: readonly [following: RedisLink, publishing: RedisLink];
  readonly seen: { reconnects: number; backfilled: number; readonly probesMs: number[] };
  stop(): void;
}

export const PREFIX = 'tidegate:{test}:';

const SETTINGS: PublisherSettings = {
  maxEvents: 100_000,
  maxAgeMs: 3_600_000,
  maxBytes: 2 ** 28,
  maxStallMs: 30_000,
  waitReplicas: 0,
};

/** @returns when it is connected; it ends with the test */
export async function startBus(
  test: TestContext,
  url: string,
  { prefix = PREFIX, tls = {}, followUrl = url, ...settings }: BusProcessOptions = {},
): Promise<BusProcess> {
  const seen = { reconnects: 0, backfilled: 0, probesMs: [] as number[] };
  const observer = {
    reconnected: () => void seen.reconnects++,
    backfilled(events: number) {
      seen.backfilled += events;
    },
    probed: (milliseconds: number) => void seen.probesMs.push(milliseconds),
  };
  const parts = { clock, random: Math.random, log, observer };
  const at = (where: string): RedisSettings => ({ target: parseRedisUrl(where), tls, prefix });
  const links = [new RedisLink(at(followUrl), parts), new RedisLink(at(url), parts)] as const;
  const subscriber = new RedisSubscriber(links[0], parts);
  const publisher = new RedisPublisher(links[1], parts, () => ({ ...SETTINGS, ...settings }));
  const stop = () => {
    subscriber.stop();
    publisher.stop();
    for (const link of links) link.stop();
  };
  test.after(stop);
  for (const link of links) link.start();
  await until(() => links.every(({ up }) => up) && publisher.health().connected, 'Redis can be reached');
  return {
    subscriber,
    publisher,
    links,
    seen,
    stop,
    publish: (event, key) => publisher.publish(event, key),
    follow: (follower, warm) => subscriber.follow(follower, warm),
    read: (after, max) => subscriber.read(after, max),
    health: () => subscriber.health(),
  };
}
