/**
 * Fan-out over HTTP/2, one write an event: deliveries per CPU second at 100 streams a connection, clear text.
 *
 * How it avoids fooling itself: as `fanout.ts`, but that what many streams of one connection are given may come in one
 * read, which is HTTP/2's own doing. The client speaks frames as they are, with windows that never close, so that flow
 * control is not what is measured; it parses every frame's head and counts markers in DATA only. Beside stand node:http2
 * alone, one `write` a stream, which is what Node's own HTTP/2 costs, and Tidegate's HTTP/1.1 at as many streams.
 * At a steady pace events may be joined, so there is no goal of one write each.
 *
 *     npm run bench -- http2 [--streams 1000,10000] [--deliveries 400000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { type Row, shown, spread, table } from './figures.ts';
import { type Load, LoadClient, type LoadOptions } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { startNodeServer } from './servers/node-server.ts';
import type { Server } from './servers/server.ts';
import { bearer, startTidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { http2Request } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000,10000' },
    deliveries: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const deliveries = Number(values.deliveries);
const rounds = Number(values.rounds);
const sizes = values.streams.split(',').map(Number);
const WARM_UP = 0.3;
const STREAMS_PER_CONNECTION = 100;
/** Deliveries a second where events may be joined, which is more than one write each would reach on a core. */
const PACE = 1_000_000;
/** CPU time is told in ticks of 10 ms, and joined deliveries take little of it. */
const PACED_MORE = 10;
const goalOf = (streams: number): number => (streams <= 1_000 ? 400_000 : 200_000);

const NAMES = ['tidegate, HTTP/2', 'the same, paced', 'node:http2 alone', 'tidegate, HTTP/1.1'] as const;
type Name = (typeof NAMES)[number];

interface Sample {
  readonly streams: number;
  readonly name: Name;
  readonly round: number;
  readonly perCpuSecond: number;
  readonly bytesPerDelivery: number;
  readonly readsPerDelivery: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const streams of sizes) {
    for (const name of NAMES) {
      const sample = await measure(name, streams, round);
      samples.push(sample);
      console.log(
        `round ${round}, ${streams} streams, ${name}: ${shown(sample.perCpuSecond)} deliveries per CPU second`,
      );
    }
  }
}
const rows = sizes.flatMap((streams) =>
  NAMES.map((name): Row => {
    const of = samples.filter((sample) => sample.streams === streams && sample.name === name);
    return [
      shown(streams),
      name,
      spread(of.map(({ perCpuSecond }) => perCpuSecond)),
      name === 'tidegate, HTTP/2' ? `≥ ${shown(goalOf(streams))}` : '',
      shown(of[0]?.bytesPerDelivery ?? Number.NaN),
      shown(of[0]?.readsPerDelivery ?? Number.NaN, 2),
    ];
  }),
);
const head = ['streams', 'server', 'deliveries per CPU second', 'goal', 'bytes each', 'reads each'];
report({
  bench: 'http2',
  text: `${STREAMS_PER_CONNECTION} streams a connection, clear text, one write an event (paced: ${shown(PACE)} deliveries a second, joined as they come), median of ${rounds} interleaved rounds (range).\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

async function measure(name: Name, streams: number, round: number): Promise<Sample> {
  await using server = await start(name);
  await using client = await LoadClient.start(native, server);
  await client.open(streams);
  await settle();
  const events = Math.ceil(deliveries / streams);
  const run = (count: number): Promise<Load> =>
    name === 'the same, paced'
      ? client.paced(PACE / streams, (count * PACED_MORE * streams) / PACE)
      : client.each(Math.ceil(count));
  await run(events * WARM_UP);
  const before = server.cpuSeconds();
  const load = await run(events);
  return {
    streams,
    name,
    round,
    perCpuSecond: load.deliveries / (server.cpuSeconds() - before),
    bytesPerDelivery: load.bytes / load.deliveries,
    readsPerDelivery: load.reads / load.deliveries,
  };
}

async function start(name: Name): Promise<Server & Pick<LoadOptions, 'http2'>> {
  if (name === 'tidegate, HTTP/1.1') return await startTidegate(native.directory);
  const http2 = STREAMS_PER_CONNECTION;
  if (name === 'node:http2 alone') {
    return { ...(await startNodeServer('node-http2')), http2, requests: [http2Request('/events')] };
  }
  const server = await startTidegate(native.directory);
  return { ...server, http2, requests: [http2Request('/rs256', bearer(server.token))] };
}
