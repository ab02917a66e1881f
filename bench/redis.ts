/**
 * The Redis bus: CPU per event at a pod, and events per second through one Redis.
 *
 * How it avoids fooling itself: Redis is Debian's redis-server, started for this run on a free port without
 * persistence; publisher, followers, gateway and clients are processes of their own and measure their own CPU time, so
 * that nobody's cost is in another's figure. Rounds are interleaved and the median counts, with the range beside it.
 *
 * - CPU per event: bare ioredis hears the very messages that the others hear, published by one RedisPublisher, paced so
 *   that nobody is saturated, and flat out, where reads are larger and so cheaper for all. One follower runs at a time,
 *   each a new process that has heard 1.5 times as many before it is measured. What did not come through the live channel is
 *   told as backfilled; a follower that loses any fails the run.
 * - Throughput: the clock stops when the publisher has every answer *and* every follower has every event. Bare PUBLISH
 *   carries messages as long and as many unanswered, but keeps nothing and runs no script. On a machine with few cores the
 *   processes share them, so the CPU time an event of Redis and of the publisher stands beside: it is what a larger
 *   machine would be limited by.
 *
 *     npm run bench -- redis [--only cpu,throughput] [--events 100000] [--rate 10000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis/redis-server.ts';
import { cpuPerEvent } from './redis/cpu-per-event.ts';
import { throughput } from './redis/throughput.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'cpu,throughput' },
    events: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const events = Number(values.events);

await using server = await startRedis({ appendonly: false });
const parts = {
  cpu: () => cpuPerEvent(server, { events, perSecond: Number(values.rate), rounds }),
  throughput: () => throughput(server, { events, rounds }),
};
const only = values.only.split(',');
const done = [];
for (const [name, measure] of Object.entries(parts)) {
  if (only.includes(name)) done.push({ name, ...(await measure()) });
}
report({
  bench: 'redis',
  text: done.map(({ text }) => text).join('\n\n'),
  samples: Object.fromEntries(done.map(({ name, samples }) => [name, samples])),
  json: values.json,
});
