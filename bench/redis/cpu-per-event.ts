/** CPU per event at a pod: bare ioredis, the bus's subscriber, the subscriber with a hub. */
import type { RedisServer } from '../../test/support/redis/redis-server.ts';
import { Child } from '../child.ts';
import { median, type Row, shown, spread, table } from '../figures.ts';
import type { FollowerKind, FromFollower, FromPublisher, ToFollower, ToPublisher } from './protocol.ts';

export interface CpuOptions {
  readonly events: number;
  readonly perSecond: number;
  readonly rounds: number;
}

const KINDS = ['bare', 'follow', 'hub'] as const;
const NAMES: Readonly<Record<FollowerKind, string>> = {
  bare: 'ioredis SUBSCRIBE, counting',
  follow: 'RedisSubscriber.follow, counting',
  hub: 'RedisSubscriber.follow + Hub (encode, ring)',
};
const GOALS: Readonly<Record<FollowerKind, string>> = { bare: '', follow: '≤ 1.3', hub: '≤ 2.5' };
/** Times `events`, published before measuring: compiling takes seconds of CPU, and a pod runs for weeks. */
const WARM_UP = 1.5;

interface Measured {
  readonly kind: FollowerKind;
  readonly pace: 'paced' | 'flat out';
  /** Microseconds of CPU an event, one a round. */
  readonly samples: number[];
  backfilled: number;
}

export async function cpuPerEvent(server: RedisServer, { events, perSecond, rounds }: CpuOptions) {
  const all: Measured[] = (['paced', 'flat out'] as const).flatMap((pace) =>
    KINDS.map((kind) => ({ kind, pace, samples: [], backfilled: 0 })),
  );
  await using publisher = new Child<ToPublisher, FromPublisher>(at('publisher'), ['tidegate', server.url]);
  await publisher.hears();
  for (let round = 1; round <= rounds; round++) {
    for (const each of all) {
      await using follower = new Child<ToFollower, FromFollower>(at('follower'), [each.kind, server.url]);
      await follower.hears();
      await follower.ask({ kind: 'expect', events: events * WARM_UP });
      await publish(publisher, follower, { kind: 'publish', events: events * WARM_UP });
      await follower.ask({ kind: 'expect', events });
      const { backfilled, microseconds } = await publish(publisher, follower, {
        kind: 'publish',
        events,
        ...(each.pace === 'paced' ? { perSecond } : {}),
      });
      each.samples.push(microseconds / events);
      each.backfilled += backfilled;
      console.log(
        `cpu, round ${round}, ${each.pace}, ${each.kind}: ${shown(microseconds / events, 2)} µs an event`,
      );
    }
  }
  const rows = all.map((each): Row => {
    const bare = all.find(({ kind, pace }) => kind === 'bare' && pace === each.pace)?.samples ?? [];
    const ratios = each.samples.map((sample, round) => sample / (bare[round] ?? Number.NaN));
    return [
      each.pace === 'paced' ? `${shown(perSecond)}/s` : each.pace,
      NAMES[each.kind],
      spread(each.samples, 2),
      shown(median(each.samples) / median(bare), 2),
      `${shown(Math.min(...ratios), 2)}–${shown(Math.max(...ratios), 2)}`,
      GOALS[each.kind],
      each.backfilled,
    ];
  });
  const head = ['published', 'follower', 'CPU µs an event', 'ratio', 'of the rounds', 'goal', 'backfilled'];
  const title = `CPU per event at a pod: ${shown(events)} events of 150 bytes, median of ${rounds} rounds (range).`;
  return { text: `${title}\n\n${table(head, rows)}`, samples: all };
}

/** @returns what it cost the follower until it had all of them */
async function publish(
  publisher: Child<ToPublisher, FromPublisher>,
  follower: Child<ToFollower, FromFollower>,
  order: ToPublisher,
) {
  const [arrived] = await Promise.all([follower.hears(), publisher.ask(order)]);
  if (arrived.kind !== 'arrived') throw new Error('the follower did not say that all had arrived');
  return arrived;
}

function at(name: string): string {
  return new URL(`${name}.ts`, import.meta.url).pathname;
}
