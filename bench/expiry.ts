/**
 * Expiry: N streams whose tokens end at one instant, or spread over one second, on one gateway process. When do their
 * challenges come, when are they cut, and is any cut early?
 *
 * How it avoids fooling itself: the times are taken by the client, when the bytes have arrived, so that what the
 * server queues, the kernel holds and the client itself takes is all in the figure; server and client are processes of
 * their own on one machine and so go by one wall clock. Each round has new processes, and counts only if every stream
 * was open before the first challenge was due. Every stream is in the figures: one that is never challenged, never
 * ended or cut off before its last chunk fails the run, as does a single early end; a late one is told. The server's own CPU time from just
 * before the cut to the last end stands beside the times: it says what a busy machine hides.
 *
 *     npm run bench -- expiry [--streams 1000,10000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { quantile, type Row, shown, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { bearer, startTidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000,10000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const sizes = values.streams.split(',').map(Number);
const rounds = Number(values.rounds);
const LEAD_TIME_S = 2;
/** Challenges are spread over so much before they are due, and come at most so much after. */
const SPREAD_MS = LEAD_TIME_S * 100;
const CHALLENGE_LATE_MS_MAX = 150;
/** The promise: p99 of the cut. */
const limitOf = (streams: number): number => (streams <= 1_000 ? 50 : 300);
/** Time to open the streams, beside the lead time; on a machine that is busier than that, twice as long, and so on. */
const openingMs = (streams: number): number => 3_000 + streams * 0.9;
const TRIES_MAX = 4;
const BEFORE_CUT_MS = 100;
const SECOND = 1_000;
const SPREADS = [
  { name: 'at one instant', overMs: 0 },
  { name: 'over one second', overMs: SECOND },
] as const;
/** Milliseconds after `exp`, of the histogram. */
const BOUNDS = [5, 10, 25, 50, 100, 200, 300] as const;

interface Sample {
  readonly streams: number;
  readonly name: string;
  readonly round: number;
  /** Minimum, p50, p99, maximum. */
  readonly challengeMs: readonly number[];
  readonly cutMs: readonly number[];
  /** How many were cut up to each bound, and after the last. */
  readonly histogram: readonly number[];
  readonly early: number;
  readonly cpuMs: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const streams of sizes) {
    for (const each of SPREADS) {
      const sample = await measure(streams, each, round);
      samples.push(sample);
      console.log(
        `${streams} streams ${each.name}, round ${round}: challenge ${figures(sample.challengeMs)}; cut ${figures(sample.cutMs)}; ${Math.round(sample.cpuMs)} ms of CPU`,
      );
    }
  }
}
const rows = samples.map(
  (sample): Row => [
    shown(sample.streams),
    sample.name,
    sample.round,
    figures(sample.challengeMs),
    figures(sample.cutMs),
    `≤ ${limitOf(sample.streams)}`,
    ...sample.histogram,
    sample.early,
    Math.round(sample.cpuMs),
  ],
);
const kept = samples.every(
  ({ challengeMs, cutMs, early, streams }) =>
    early === 0 && (cutMs[2] ?? 0) <= limitOf(streams) && (challengeMs[2] ?? 0) <= CHALLENGE_LATE_MS_MAX,
);
const last = BOUNDS.at(-1);
const head = [
  ...['streams', 'tokens end', 'round', 'challenge, ms', 'cut, ms', 'goal of its p99'],
  ...BOUNDS.map((bound) => `≤ ${bound} ms`),
  ...[`> ${last} ms`, 'early', 'CPU of the cut, ms'],
];
report({
  bench: 'expiry',
  text: `Min / p50 / p99 / max. Challenge: after \`exp\` − ${LEAD_TIME_S} s, spread over the ${SPREAD_MS} ms before, at most ${CHALLENGE_LATE_MS_MAX} ms late. Cut: after \`exp\`.\n\n${table(head, rows)}\n\n${kept ? 'Kept.' : '**Not kept.**'}`,
  samples,
  json: values.json,
});
// A late cut may be another process's doing; an early one never is.
process.exitCode = samples.some(({ early }) => early > 0) ? 1 : 0;

async function measure(streams: number, spread: (typeof SPREADS)[number], round: number): Promise<Sample> {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const sample = await attempt(streams, spread, round, openingMs(streams) * 2 ** (tries - 1));
    if (sample !== undefined) return sample;
    console.log(
      `${streams} streams were not open before the first challenge was due: once more, with more time`,
    );
  }
  throw new Error(`${streams} streams were not open before the first challenge was due`);
}

/** @returns `undefined` when the streams were not open in time */
async function attempt(
  streams: number,
  { name, overMs }: (typeof SPREADS)[number],
  round: number,
  openingMs: number,
): Promise<Sample | undefined> {
  await using server = await startTidegate(native.directory, { challenge: { leadTime: `${LEAD_TIME_S}s` } });
  // Signed first: it takes a while, and the streams have to be open in time.
  const kinds = overMs === 0 ? 1 : Math.min(streams, overMs);
  const firstEndMs = Math.ceil((Date.now() + openingMs) / SECOND + LEAD_TIME_S) * SECOND;
  const endMs = (stream: number): number => firstEndMs + Math.floor(((stream % kinds) / kinds) * overMs);
  const requests = Array.from({ length: kinds }, (_, kind) =>
    httpRequest('/es256', bearer(server.mint('ES256', { sub: 'bench', exp: endMs(kind) / SECOND }))),
  );
  await using client = await LoadClient.start(native, { port: server.port, requests, ends: true });
  await client.open(streams);
  if (Date.now() > firstEndMs - LEAD_TIME_S * SECOND - SPREAD_MS) return undefined;
  await settle(firstEndMs - Date.now() - BEFORE_CUT_MS);
  const before = server.cpuSeconds();
  await client.ends();
  const cpuMs = (server.cpuSeconds() - before) * SECOND;
  const records = await client.records();
  const unclean = records.filter(({ clean }) => !clean).length;
  if (unclean > 0) throw new Error(`${unclean} streams were cut off before their last chunk`);
  const challenges = records.map(({ challengedUs }, stream) => {
    if (challengedUs === 0) throw new Error('a stream had no challenge');
    return challengedUs / 1_000 - (endMs(stream) - LEAD_TIME_S * SECOND);
  });
  const cuts = records.map(({ endedUs }, stream) => endedUs / 1_000 - endMs(stream));
  return {
    streams,
    name,
    round,
    challengeMs: summary(challenges),
    cutMs: summary(cuts),
    histogram: [0, ...BOUNDS].map((bound, at) => {
      const next = BOUNDS[at] ?? Number.POSITIVE_INFINITY;
      return cuts.filter((cut) => (cut > bound || at === 0) && cut <= next).length;
    }),
    early: cuts.filter((late) => late < 0).length,
    cpuMs,
  };
}

function summary(values: readonly number[]): readonly number[] {
  return [0, 0.5, 0.99, 1].map((share) => quantile(values, share));
}

function figures(values: readonly number[]): string {
  return values.map((value) => Math.round(value)).join(' / ');
}
