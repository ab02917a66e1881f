/**
 * Stalled clients: what a tenth that has stopped reading costs the others, in latency and in the server's memory.
 *
 * How it avoids fooling itself: as many streams that read are served with and without the stalled ones beside, by new
 * servers in turn, at the same rate. A stalled client stops reading for good, with the smallest receive buffer that the
 * kernel gives, and events go on until long after the buffers on both sides are full: how many it was given at all is told, by
 * the server's own count, and a run in which it was given nearly all fails. Latency is of those that read. Memory is the heap after two full collections, before the
 * stall and after; the ring, which all share, grows with and without and is in both.
 *
 *     npm run bench -- stalled [--streams 1000] [--rate 12] [--seconds 12] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { publication, startTidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { DATA } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const streams = Number(values.streams);
const rounds = Number(values.rounds);
const STALLED_SHARE = 0.1;
const RECEIVE_BUFFER_BYTES = 4_096;
const WARM_UP_SECONDS = 2;
/** Linux takes some 2.8 MB for a peer that does not read; only then does the server notice. */
const PADDING = 'x'.repeat(32_000);
/** A stream that was given as much of what was published has not stalled. */
const GIVEN_MAX = 0.9;
const MB = 1e6;

interface Sample {
  readonly stalled: number;
  readonly round: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>>;
  readonly heapGrowth: number;
  readonly rssGrowth: number;
  readonly cpuShare: number;
  /** Of the events published while they were stalled, how many a stalled stream was given. */
  readonly givenToStalled: number;
  readonly published: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
const reading = Math.round(streams * (1 - STALLED_SHARE));
const CASES = [0, streams - reading];
for (let round = 1; round <= rounds; round++) {
  for (const stalled of CASES) {
    const sample = await measure(stalled, round);
    samples.push(sample);
    console.log(
      `round ${round}, ${stalled} stalled: p99 ${shown(sample.latencyMs.p99, 1)} ms, heap +${shown(sample.heapGrowth / MB, 1)} MB`,
    );
  }
}
const rows = CASES.map((stalled): Row => {
  const of = samples.filter((sample) => sample.stalled === stalled);
  const latency = (name: keyof Sample['latencyMs']) =>
    spread(
      of.map(({ latencyMs }) => latencyMs[name]),
      1,
    );
  return [
    `${shown(reading)} read, ${shown(stalled)} stalled`,
    latency('p50'),
    latency('p99'),
    latency('max'),
    spread(
      of.map(({ heapGrowth }) => heapGrowth / MB),
      1,
    ),
    spread(
      of.map(({ rssGrowth }) => rssGrowth / MB),
      1,
    ),
    stalled === 0
      ? ''
      : `${shown(median(of.map(({ givenToStalled }) => givenToStalled)))} of ${shown(of[0]?.published ?? 0)}`,
    shown(median(of.map(({ cpuShare }) => cpuShare * 100))),
  ];
});
const head = [
  ...['streams', 'p50, ms', 'p99, ms', 'max, ms'],
  ...['heap grown by, MB', 'RSS grown by, MB', 'events given to a stalled one', 'server, % of a core'],
];
report({
  bench: 'stalled',
  text: `${values.rate} events of 32 kB a second for ${values.seconds} s, median of ${rounds} interleaved rounds (range). Goal: no heap for the stalled, the same p99 for the others.\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

async function measure(stalled: number, round: number): Promise<Sample> {
  await using server = await startTidegate(native.directory, { limits: { lagTime: '10m' } });
  const { port, publishPort, requests } = server;
  const publications = [publication({ data: PADDING + DATA })];
  await using client = await LoadClient.start(native, { port, publishPort, requests, publications });
  await using hanging = await LoadClient.start(native, {
    port,
    requests,
    receiveBuffer: RECEIVE_BUFFER_BYTES,
  });
  await client.open(reading);
  await settle();
  const rate = Number(values.rate);
  await client.paced(rate, WARM_UP_SECONDS);
  // They stop at once: the more a peer has read, the more its kernel and ours are ready to hold for it.
  if (stalled > 0) await hanging.open(stalled);
  if (stalled > 0) await hanging.stall(stalled);
  const before = await server.memory();
  const delivered = await server.metric('events_delivered_total');
  const cpu = server.cpuSeconds();
  const load = await client.paced(rate, Number(values.seconds));
  const cpuSeconds = server.cpuSeconds() - cpu;
  const given = (await server.metric('events_delivered_total')) - delivered - load.deliveries;
  const givenToStalled = stalled === 0 ? 0 : given / stalled;
  if (givenToStalled > load.published * GIVEN_MAX)
    throw new Error('the stalled streams were given what the others were');
  const after = await server.memory();
  return {
    stalled,
    round,
    latencyMs: load.latencyMs,
    heapGrowth: after.heapUsed + after.external - before.heapUsed - before.external,
    rssGrowth: after.rss - before.rss,
    cpuShare: cpuSeconds / load.seconds,
    givenToStalled,
    published: load.published,
  };
}
