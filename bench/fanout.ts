/**
 * Fan-out, one write an event: deliveries per CPU second of Tidegate, its peers, and a floor of bare sockets in C.
 *
 * How it avoids fooling itself: the next event is published only when every stream has the one before, so nobody can
 * join several into one write; the client counts its reads, and a run with fewer reads than deliveries fails. What is
 * divided by is the CPU time of the server's process, user and system, from `/proc`, over exactly these events, after a
 * warm-up in which everything is compiled. Server and client have a core each; the client is a program in C that is
 * idle most of the time. Rounds are interleaved and ratios are made within a round, so that a noisy neighbour hits
 * all. Tidegate runs its whole path (TCP ingest, JWT guard, bus, hub, ring, sweep); the others guard nothing.
 *
 *     npm run bench -- fanout [--streams 1000,5000,10000] [--deliveries 400000] [--rounds 3] [--only floor,tidegate] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { CONTESTANTS, prepare, type Ready } from './contestants.ts';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { settle } from './settle.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000,5000,10000' },
    deliveries: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});
const deliveries = Number(values.deliveries);
const rounds = Number(values.rounds);
/** So much of the work is done before it is measured. */
const WARM_UP = 0.3;
/** A read may bring two events, or half of one, when the machine is busy. */
const READS_MIN = 0.99;

/** Of Tidegate beside these, at least, at so many streams. */
const GOALS_AT_STREAMS = 10_000;
const GOALS: Readonly<Record<string, number>> = { floor: 0.65, nchan: 1.2, 'better-sse': 2 };

interface Sample {
  readonly streams: number;
  readonly name: string;
  readonly round: number;
  readonly perCpuSecond: number;
  readonly readsPerDelivery: number;
  readonly p99Ms: number;
}

await using native = await buildNative();
const only = values.only === '' ? Object.keys(CONTESTANTS) : values.only.split(',');
const { missing, ready } = await prepare(only, native);
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const streams of values.streams.split(',').map(Number)) {
    for (const contestant of ready) {
      const sample = await measure(contestant, streams, round);
      samples.push(sample);
      console.log(
        `round ${round}, ${streams} streams, ${contestant.name}: ${shown(sample.perCpuSecond)} deliveries per CPU second`,
      );
    }
  }
}
report({
  bench: 'fanout',
  text: [
    `One write an event of ${121} bytes, median of ${rounds} interleaved rounds (range); ratios within a round.`,
    ...missing,
    ...values.streams.split(',').map(Number).map(tableOf),
  ].join('\n\n'),
  samples,
  json: values.json,
});

async function measure({ name, start }: Ready, streams: number, round: number): Promise<Sample> {
  await using server = await start();
  await using client = await LoadClient.start(native, server);
  await client.open(streams);
  await settle();
  const events = Math.ceil(deliveries / streams);
  await client.each(Math.ceil(events * WARM_UP));
  const before = server.cpuSeconds();
  const load = await client.each(events);
  const cpuSeconds = server.cpuSeconds() - before;
  const readsPerDelivery = load.reads / load.deliveries;
  if (readsPerDelivery < READS_MIN)
    throw new Error(`${name} has joined events: ${readsPerDelivery} reads each`);
  return {
    streams,
    name,
    round,
    perCpuSecond: load.deliveries / cpuSeconds,
    readsPerDelivery,
    p99Ms: load.latencyMs.p99,
  };
}

function tableOf(streams: number): string {
  const of = (name: string) => samples.filter((sample) => sample.name === name && sample.streams === streams);
  const ratios = (name: string, to: string): readonly number[] =>
    of(name).map(({ perCpuSecond }, at) => perCpuSecond / (of(to)[at]?.perCpuSecond ?? Number.NaN));
  const rows = ready.map(({ name }): Row => {
    const goal = streams === GOALS_AT_STREAMS ? GOALS[name] : undefined;
    return [
      name,
      spread(of(name).map(({ perCpuSecond }) => perCpuSecond)),
      spread(ratios(name, 'floor'), 2),
      name === 'tidegate' ? '' : spread(ratios('tidegate', name), 2),
      goal === undefined ? '' : `≥ ${goal}`,
      shown(median(of(name).map(({ p99Ms }) => p99Ms)), 1),
    ];
  });
  const head = [
    'server',
    'deliveries per CPU second',
    'of the floor',
    'Tidegate is × this',
    'goal',
    'latency p99, ms',
  ];
  return `**${shown(streams)} streams**\n\n${table(head, rows)}`;
}
