/**
 * Selection: what it costs that streams have topics and subjects of their own, when an event uses it and when not.
 *
 * How it avoids fooling itself: CPU time of the server's process a delivery, one write an event, as in `fanout.ts`. Unused:
 * every event is for all streams, so as many bytes go out in every case, and each is held against the case in which all
 * streams have one topic and one subject. Used: every event is for ten streams; the cost is held against a server that
 * has only these ten, so what is left of the ratio is what the other streams cost an event that is not theirs. Each event of
 * another topic or subject than the one before; receivers are counted, and an event that reaches one stream more fails the run.
 *
 *     npm run bench -- selection [--streams 10000] [--deliveries 400000] [--events 5000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { type Row, shown, spread, table } from './figures.ts';
import { LoadClient, type Publication } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { bearer, createKeys, inSeconds, mintWith, publication, startTidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    deliveries: { type: 'string', default: '400000' },
    events: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const streams = Number(values.streams);
const rounds = Number(values.rounds);
/** Streams of one topic, or of one subject. */
const SHARE = 10;
const parts = Math.max(1, Math.floor(streams / SHARE));
const WARM_UP = 0.3;
const TOKEN_S = 7_200;
const COST_MAX = 1.1;
const GUARD = 'es256';

interface Case {
  readonly name: string;
  readonly of: string;
  readonly streams: number;
  readonly events: number;
  /** Parts that the streams fall into, by topic or by subject. */
  readonly topics: number;
  readonly subjects: number;
  readonly publications: readonly Publication[];
}

const broadcasts = Math.ceil(Number(values.deliveries) / streams);
const selected = Number(values.events);
const unused = { of: 'unused', streams, events: broadcasts, publications: [publication({})] };
const perTopic = (count: number) =>
  Array.from({ length: count }, (_, part) => publication({ topic: topicOf(part) }, SHARE));
const perSubject = (count: number) =>
  Array.from({ length: count }, (_, part) => publication({ to: `subject-${part}`, guard: GUARD }, SHARE));
const CASES: readonly Case[] = [
  { name: 'one topic, one subject', topics: 1, subjects: 1, ...unused },
  { name: `${shown(parts)} subjects`, topics: 1, subjects: parts, ...unused },
  { name: `${shown(parts)} topics beside`, topics: parts, subjects: 1, ...unused },
  {
    name: 'ten streams, no others',
    of: 'used',
    streams: SHARE,
    events: selected,
    topics: 1,
    subjects: 1,
    publications: perTopic(1),
  },
  {
    name: `by topic, ${shown(parts)} of them`,
    of: 'used',
    streams,
    events: selected,
    topics: parts,
    subjects: 1,
    publications: perTopic(parts),
  },
  {
    name: `by subject, ${shown(parts)} of them`,
    of: 'used',
    streams,
    events: selected,
    topics: 1,
    subjects: parts,
    publications: perSubject(parts),
  },
];

interface Sample {
  readonly name: string;
  readonly of: string;
  readonly round: number;
  readonly cpuUs: number;
}

const keys = createKeys();
const exp = inSeconds(TOKEN_S);
await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const each of CASES) {
    const sample = { name: each.name, of: each.of, round, cpuUs: await measure(each) };
    samples.push(sample);
    console.log(`round ${round}, ${each.of}, ${each.name}: ${shown(sample.cpuUs, 2)} µs a delivery`);
  }
}
report({
  bench: 'selection',
  text: `Median of ${rounds} interleaved rounds (range); ratios within a round, to the first line.\n\n**Unused**: every event for all ${shown(streams)} streams.\n\n${tableOf('unused')}\n\n**Used**: every event for ten streams, of ${shown(streams)}.\n\n${tableOf('used')}`,
  samples,
  json: values.json,
});

/** @returns microseconds of CPU time a delivery */
async function measure({ events, publications, streams, subjects, topics }: Case): Promise<number> {
  await using server = await startTidegate(native.directory, { keys, topics: ['events', 'part.${part}'] });
  const requests = Array.from({ length: streams }, (_, stream) => {
    const claims = { sub: `subject-${stream % subjects}`, part: `${stream % topics}`, exp };
    return httpRequest(`/${GUARD}`, bearer(mintWith(keys, 'ES256', claims)));
  });
  const { port, publishPort } = server;
  await using client = await LoadClient.start(native, { port, publishPort, requests, publications });
  await client.open(streams);
  await settle();
  await client.each(Math.ceil(events * WARM_UP));
  const before = server.cpuSeconds();
  const load = await client.each(events);
  return ((server.cpuSeconds() - before) * 1e6) / load.deliveries;
}

function topicOf(part: number): string {
  return `part.${part}`;
}

function tableOf(of: string): string {
  const cases = CASES.filter((each) => each.of === of);
  const cpuOf = (name: string) =>
    samples.filter((each) => each.of === of && each.name === name).map(({ cpuUs }) => cpuUs);
  const first = cpuOf(cases[0]?.name ?? '');
  const rows = cases.map(({ name }, at): Row => {
    const ratios = cpuOf(name).map((cpuUs, round) => cpuUs / (first[round] ?? Number.NaN));
    const goal = of === 'unused' && at > 0 ? `≤ ${COST_MAX}` : '';
    return [name, spread(cpuOf(name), 2), spread(ratios, 2), goal];
  });
  return table(['streams with', 'CPU µs a delivery', 'ratio', 'goal'], rows);
}
