/** Events per second through one Redis from one publisher process, at one and at four followers. */
import type { RedisServer } from '../../test/support/redis/redis-server.ts';
import { Child } from '../child.ts';
import { median, type Row, shown, spread, table } from '../figures.ts';
import type { FromFollower, FromPublisher, PublisherKind, ToFollower, ToPublisher } from './protocol.ts';

export interface ThroughputOptions {
  readonly events: number;
  readonly rounds: number;
}

const NAMES: Readonly<Record<PublisherKind, string>> = {
  tidegate: 'RedisPublisher → RedisSubscriber',
  bare: 'ioredis PUBLISH → SUBSCRIBE, nothing kept',
};
const WARM_UP = 0.3;

interface Round {
  /** Until the publisher had every answer and every follower had every event. */
  readonly perSecond: number;
  /** Microseconds an event. */
  readonly redisCpu: number;
  readonly publisherCpu: number;
}

export async function throughput(server: RedisServer, { events, rounds }: ThroughputOptions) {
  const all = [1, 4].flatMap((followers) =>
    (['bare', 'tidegate'] as const).map((kind) => ({ kind, followers, samples: [] as Round[] })),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { kind, followers, samples } of all) {
      const sample = await measure(server, kind, followers, events);
      samples.push(sample);
      console.log(
        `throughput, round ${round}, ${kind}, ${followers} followers: ${shown(sample.perSecond)} events/s`,
      );
    }
  }
  const rows = all.map(({ kind, followers, samples }): Row => {
    const bare = all.find((other) => other.kind === 'bare' && other.followers === followers)?.samples ?? [];
    const rates = samples.map(({ perSecond }) => perSecond);
    const bareRates = bare.map(({ perSecond }) => perSecond);
    return [
      followers,
      NAMES[kind],
      spread(rates),
      shown(median(rates) / median(bareRates), 2),
      shown(median(samples.map(({ redisCpu }) => redisCpu)), 2),
      shown(median(samples.map(({ publisherCpu }) => publisherCpu)), 2),
    ];
  });
  const head = ['followers', 'path', 'events/s', 'ratio', 'CPU µs an event: Redis', 'publisher'];
  const title = `Through one Redis, one publisher process flat out: ${shown(events)} events of 150 bytes, median of ${rounds} rounds (range).`;
  return { text: `${title}\n\n${table(head, rows)}`, samples: all };
}

async function measure(
  server: RedisServer,
  kind: PublisherKind,
  count: number,
  events: number,
): Promise<Round> {
  await using children = new AsyncDisposableStack();
  const publisher = children.use(new Child<ToPublisher, FromPublisher>(at('publisher'), [kind, server.url]));
  const followerKind = kind === 'bare' ? 'bare' : 'follow';
  const followers = Array.from({ length: count }, () =>
    children.use(new Child<ToFollower, FromFollower>(at('follower'), [followerKind, server.url])),
  );
  await Promise.all([publisher.hears(), ...followers.map((follower) => follower.hears())]);
  const through = async (count: number): Promise<Round> => {
    await Promise.all(followers.map((follower) => follower.ask({ kind: 'expect', events: count })));
    const before = await redisCpu(server);
    const began = performance.now();
    const [published] = await Promise.all([
      publisher.ask({ kind: 'publish', events: count }),
      ...followers.map((follower) => follower.hears()),
    ]);
    const seconds = (performance.now() - began) / 1000;
    return {
      perSecond: count / seconds,
      redisCpu: ((await redisCpu(server)) - before) / count,
      publisherCpu: published.kind === 'published' ? published.microseconds / count : Number.NaN,
    };
  };
  await through(events * WARM_UP);
  return await through(events);
}

/** In microseconds, since it was started. */
async function redisCpu(server: RedisServer): Promise<number> {
  const [user, system] = [await server.info('used_cpu_user'), await server.info('used_cpu_sys')];
  return (Number(user) + Number(system)) * 1e6;
}

function at(name: string): string {
  return new URL(`${name}.ts`, import.meta.url).pathname;
}
