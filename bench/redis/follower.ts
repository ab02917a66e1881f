/** `follower.ts KIND URL`: counts what comes through the live channel, and says what that cost this process. */
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import type { Follower } from '../../src/bus/bus.ts';
import { RedisSubscriber } from '../../src/bus/redis-subscriber.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { createBusMetrics } from '../../src/metrics/bus-metrics.ts';
import { createStreamMetrics } from '../../src/metrics/stream-metrics.ts';
import { Hub } from '../../src/stream/hub.ts';
import { cpuTime, createLink } from './connection.ts';
import { type FollowerKind, type FromFollower, PREFIX, type ToFollower } from './protocol.ts';

/** The defaults of the configuration. */
const SETTINGS = {
  ring: { eventsMax: 100_000, bytesMax: 2 ** 26, ageMaxMs: 3_600_000 },
  replayPerStreamMax: 10_000,
  connectionsMax: 20_000,
  perHolderMax: 20,
  lagMaxMs: 30_000,
  streamAgeMs: undefined,
  heartbeatMs: 15_000,
  retryMs: 2_000,
};

let left = 0;
let before = 0;
let backfilled = 0;

function count(): void {
  if (--left !== 0) return;
  say({ kind: 'arrived', microseconds: cpuTime() - before, backfilled });
}

const counting: Follower = {
  begin() {},
  event: count,
  lost() {
    throw new Error('events were lost');
  },
};

process.on('message', ({ events }: ToFollower) => {
  backfilled = 0;
  left = events;
  before = cpuTime();
  say({ kind: 'expecting' });
});

const [, , kind, url = ''] = process.argv;
await start(kind as FollowerKind);
say({ kind: 'following' });

async function start(kind: FollowerKind): Promise<void> {
  if (kind === 'bare') {
    // The version of the protocol that Tidegate speaks.
    const redis = new Redis(url, { protocol: 2 });
    redis.on('message', count);
    await redis.subscribe(`${PREFIX}live`);
    return;
  }
  // The counters of the rooms that are measured, without those of the process, which have their own timers.
  const registry = new Registry();
  const { link, parts, up } = createLink(url, {
    ...createBusMetrics(registry),
    backfilled(events) {
      backfilled += events;
    },
  });
  const subscriber = new RedisSubscriber(link, parts);
  link.start();
  await up;
  if (kind === 'follow') {
    await subscriber.follow(counting);
    return;
  }
  const hub = new Hub({
    clock,
    random: Math.random,
    pod: 'bench',
    observer: createStreamMetrics(registry, () => []),
    history: subscriber,
    settings: () => SETTINGS,
  });
  await subscriber.follow({
    begin: (head) => hub.begin(head),
    event(event) {
      hub.event(event);
      count();
    },
    lost: () => counting.lost('0-0' as never),
  });
}

function say(message: FromFollower): void {
  process.send?.(message);
}
