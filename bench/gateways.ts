/**
 * Two gateways against one: what a delivery costs when the same streams are spread over two processes on one Redis.
 *
 * How it avoids fooling itself: the same streams and the same events, published one at a time through `tidegate ingest`, go to
 * one gateway and then to two, in turn; an event counts when all streams of all gateways have it. The CPU time of all
 * gateways is added up, so that a second one has to pay for following the log. Latency is from the producer's
 * stamp through ingest, Redis and gateway to the client. With two cores the second gateway shares one with Redis and
 * the client, so seconds say little here and CPU time what matters: two of them have no work in common but the log.
 *
 *     npm run bench -- gateways [--streams 10000] [--deliveries 400000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis/redis-server.ts';
import { CLIENT_CORE, SERVER_CORE } from './child.ts';
import { Deployment } from './deployment.ts';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { bearer, inSeconds, publication } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    deliveries: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const streams = Number(values.streams);
const events = Math.ceil(Number(values.deliveries) / streams);
const rounds = Number(values.rounds);
const WARM_UP = 0.3;
const TOKEN_S = 7_200;
const COUNTS = [1, 2] as const;

interface Sample {
  readonly gateways: number;
  readonly round: number;
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

await using native = await buildNative();
await using redis = await startRedis({ appendonly: false });
await using deployment = await Deployment.create(redis.url, [{ name: 'es256', alg: 'ES256' }], {
  perSubject: 100_000,
});
await using ingest = await deployment.startIngest(CLIENT_CORE);
const token = deployment.mint('es256', { sub: 'client', exp: inSeconds(TOKEN_S) });
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const gateways of COUNTS) {
    const sample = await measure(gateways, round);
    samples.push(sample);
    console.log(`round ${round}, ${gateways}: ${shown(sample.perCpuSecond)} deliveries per CPU second`);
  }
}
const of = (gateways: number) => samples.filter((sample) => sample.gateways === gateways);
const rows = COUNTS.map((gateways): Row => {
  const ratios = of(gateways).map(
    ({ perCpuSecond }, at) => perCpuSecond / (of(1)[at]?.perCpuSecond ?? Number.NaN),
  );
  return [
    gateways,
    spread(of(gateways).map(({ perCpuSecond }) => perCpuSecond)),
    spread(ratios, 2),
    spread(of(gateways).map(({ perSecond }) => perSecond)),
    `${shown(median(of(gateways).map(({ p50Ms }) => p50Ms)))} / ${shown(median(of(gateways).map(({ p99Ms }) => p99Ms)))}`,
  ];
});
const head = [
  'gateways',
  'deliveries per CPU second of all',
  'ratio',
  'deliveries/s',
  'latency, ms: p50 / p99',
];
report({
  bench: 'gateways',
  text: `${shown(streams)} streams, ${events} events one at a time, through ingest and Redis, median of ${rounds} interleaved rounds (range).\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

async function measure(gateways: 1 | 2, round: number): Promise<Sample> {
  await using first = await deployment.startGateway(SERVER_CORE);
  await using second = gateways === 1 ? undefined : await deployment.startGateway(CLIENT_CORE);
  const all = second === undefined ? [first] : [first, second];
  await using client = await LoadClient.start(native, {
    port: all.map(({ port }) => port),
    requests: [httpRequest('/es256', bearer(token))],
    publishPort: ingest.port,
    publications: [publication({})],
  });
  const cpuSeconds = async (): Promise<number> => {
    const times = await Promise.all(all.map((gateway) => gateway.cpuTime()));
    return times.reduce((sum, time) => sum + time, 0) / 1e6;
  };
  await client.open(streams);
  await settle();
  await client.each(Math.ceil(events * WARM_UP));
  const before = await cpuSeconds();
  const load = await client.each(events);
  return {
    gateways,
    round,
    perCpuSecond: load.deliveries / ((await cpuSeconds()) - before),
    perSecond: load.deliveries / load.seconds,
    p50Ms: load.latencyMs.p50,
    p99Ms: load.latencyMs.p99,
  };
}
