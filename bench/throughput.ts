/**
 * Throughput: a million deliveries a second on one core, with the latency of each and the stalls of the event loop.
 *
 * How it avoids fooling itself: events are published at a steady rate by the client's own clock, whether or not the
 * server keeps up; the time stops when the last delivery has arrived, and a run in which one is missing fails. A latency
 * is from the stamp in the event, taken as it was published, until the client has read it: producer and client are one
 * process, so that there is one clock, and what the producer was late by stands beside. The client's own share of its
 * core is told: near 100 % it would be what was measured. A stall is a timer of one millisecond that came late; of each
 * it is known how much of it the main thread was running and how much was garbage collection, so that what another
 * process took of the core is not laid to the sweep.
 *
 *     npm run bench -- throughput [--cases 1000x1000,10000x100] [--seconds 6] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { startTidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000x1000,10000x100' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const cases = values.cases.split(',').map((each) => {
  const [streams = 0, perSecond = 0] = each.split('x').map(Number);
  return { streams, perSecond };
});
type Case = (typeof cases)[number];
const rounds = Number(values.rounds);
const WARM_UP_SECONDS = 2;
const P99_MS_MAX = 400;
const STALL_MS_MAX = 10;

interface Sample extends Case {
  readonly round: number;
  readonly deliveriesPerSecond: number;
  readonly cpuShare: number;
  readonly perCpuSecond: number;
  readonly perRead: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>>;
  /** Longest, of those over 10 ms: all; the main thread's own time without garbage collection; how many of these are over. */
  readonly stallMs: number;
  readonly gcMs: number;
  readonly ownStallMs: number;
  readonly ownStalls: number;
  readonly clientShare: number;
  readonly producerLateMs: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const each of cases) {
    const sample = await measure(each, round);
    samples.push(sample);
    console.log(
      `round ${round}, ${each.streams} streams × ${each.perSecond}/s: ${shown(sample.deliveriesPerSecond)} deliveries/s, p99 ${shown(sample.latencyMs.p99)} ms, ${shown(sample.cpuShare * 100)} % of a core`,
    );
  }
}
const rows = cases.map(({ perSecond, streams }): Row => {
  const of = samples.filter((sample) => sample.streams === streams && sample.perSecond === perSecond);
  const latency = (name: keyof Sample['latencyMs']) =>
    shown(median(of.map(({ latencyMs }) => latencyMs[name])));
  return [
    `${shown(streams)} × ${shown(perSecond)}/s`,
    spread(of.map((sample) => sample.deliveriesPerSecond)),
    shown(streams * perSecond),
    shown(median(of.map(({ cpuShare }) => cpuShare * 100))),
    spread(of.map((sample) => sample.perCpuSecond)),
    shown(median(of.map(({ perRead }) => perRead)), 1),
    `${latency('p50')} / ${latency('p95')} / ${latency('p99')} / ${latency('max')}`,
    `p99 < ${P99_MS_MAX}`,
    spread(
      of.map((sample) => sample.stallMs),
      1,
    ),
    spread(
      of.map((sample) => sample.ownStallMs),
      1,
    ),
    `≤ ${STALL_MS_MAX}`,
    shown(median(of.map(({ clientShare }) => clientShare * 100))),
  ];
});
const head = [
  ...[
    'streams × events',
    'deliveries/s',
    'goal',
    'server, % of a core',
    'deliveries per CPU second',
    'events a read',
  ],
  ...[
    'latency, ms: p50 / p95 / p99 / max',
    'goal',
    'longest stall, ms',
    'its own, without GC',
    'goal',
    'client, % of a core',
  ],
];
report({
  bench: 'throughput',
  text: `${values.seconds} s each, median of ${rounds} interleaved rounds (range).\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

async function measure({ perSecond, streams }: Case, round: number): Promise<Sample> {
  await using server = await startTidegate(native.directory);
  await using client = await LoadClient.start(native, server);
  await client.open(streams);
  await settle();
  await client.paced(perSecond, WARM_UP_SECONDS);
  await server.watchLoop();
  const before = server.cpuSeconds();
  const load = await client.paced(perSecond, Number(values.seconds));
  const cpuSeconds = server.cpuSeconds() - before;
  const stalls = await server.stalls();
  const own = stalls.map(({ cpuMs, gcMs }) => cpuMs - gcMs);
  return {
    streams,
    perSecond,
    round,
    deliveriesPerSecond: load.deliveries / load.seconds,
    cpuShare: cpuSeconds / load.seconds,
    perCpuSecond: load.deliveries / cpuSeconds,
    perRead: load.deliveries / load.reads,
    latencyMs: load.latencyMs,
    stallMs: Math.max(0, ...stalls.map(({ ms }) => ms)),
    gcMs: Math.max(0, ...stalls.map(({ gcMs }) => gcMs)),
    ownStallMs: Math.max(0, ...own),
    ownStalls: own.filter((ms) => ms > STALL_MS_MAX).length,
    clientShare: load.cpuSeconds / load.seconds,
    producerLateMs: load.lateMs,
  };
}
