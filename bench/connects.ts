/**
 * Connecting: what it costs to open a stream with a token, against one on a public path of the same server.
 *
 * How it avoids fooling itself: what is divided by is the CPU time of the server's process, with all its threads, from
 * the first attempt until every stream has its 200; the clock of a machine that others use would say little. Cold: each
 * stream has a token and a subject of its own that this server has never seen, so every signature is verified. Cached: the
 * very same tokens once more, after all streams are closed. Public: the same requests to a path without a guard, token
 * and all, so that as many bytes are parsed. Each server is a new one that has opened some of each kind before; the order of
 * the kinds turns from round to round, and a ratio is made within its round. A refusal fails the run.
 *
 *     npm run bench -- connects [--streams 5000] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import {
  type Algorithm,
  bearer,
  createKeys,
  inSeconds,
  mintWith,
  startTidegate,
} from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const streams = Number(values.streams);
const rounds = Number(values.rounds);
const WARM_UP_STREAMS = 500;
const TOKEN_S = 7_200;
/** The server notices that the streams are gone, and lets go of them, outside of what is measured. */
const CLOSING_MS = 1_500;
const GOALS: Readonly<Record<string, number>> = {
  'RS256, cold': 0.45,
  'RS256, cached': 0.85,
  'ES256, cold': 0.38,
  'ES256, cached': 0.75,
};

interface Sample {
  readonly name: string;
  readonly round: number;
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

const keys = createKeys();
const exp = inSeconds(TOKEN_S);
const tokens = {
  RS256: mintAll('RS256', 'client', streams),
  ES256: mintAll('ES256', 'client', streams),
};
const warmUpTokens = {
  RS256: mintAll('RS256', 'early', WARM_UP_STREAMS),
  ES256: mintAll('ES256', 'early', WARM_UP_STREAMS),
};
const GROUPS = [
  [{ name: 'public', path: '/public', alg: 'RS256' }],
  [
    { name: 'RS256, cold', path: '/rs256', alg: 'RS256' },
    { name: 'RS256, cached', path: '/rs256', alg: 'RS256' },
  ],
  [
    { name: 'ES256, cold', path: '/es256', alg: 'ES256' },
    { name: 'ES256, cached', path: '/es256', alg: 'ES256' },
  ],
] as const;

await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  await using server = await startTidegate(native.directory, { keys });
  const open = async (path: string, tokens: readonly string[]): Promise<Omit<Sample, 'name' | 'round'>> => {
    const requests = tokens.map((token) => httpRequest(path, bearer(token)));
    await using client = await LoadClient.start(native, { port: server.port, requests });
    const before = server.cpuSeconds();
    const { seconds } = await client.open(tokens.length);
    const cpuSeconds = server.cpuSeconds() - before;
    return { perCpuSecond: tokens.length / cpuSeconds, perSecond: tokens.length / seconds };
  };
  await open('/public', warmUpTokens.RS256);
  for (const alg of ['RS256', 'ES256'] as const) {
    for (const _ of ['cold', 'cached']) await open(`/${alg.toLowerCase()}`, warmUpTokens[alg]);
  }
  await settle(CLOSING_MS);
  const turned = GROUPS.map((_, at) => GROUPS[(at + round - 1) % GROUPS.length] ?? []);
  for (const { alg, name, path } of turned.flat()) {
    const sample = { name, round, ...(await open(path, tokens[alg])) };
    samples.push(sample);
    console.log(`round ${round}, ${name}: ${shown(sample.perCpuSecond)} connects per CPU second`);
    await settle(CLOSING_MS);
  }
}
const of = (name: string) => samples.filter((sample) => sample.name === name);
const rows = GROUPS.flat().map(({ name }): Row => {
  const ratios = of(name).map(
    ({ perCpuSecond }, at) => perCpuSecond / (of('public')[at]?.perCpuSecond ?? Number.NaN),
  );
  const goal = GOALS[name];
  return [
    name,
    spread(of(name).map(({ perCpuSecond }) => perCpuSecond)),
    spread(ratios, 2),
    goal === undefined ? '' : `≥ ${goal}`,
    shown(median(of(name).map(({ perSecond }) => perSecond))),
  ];
});
const head = ['streams opened', 'per CPU second', 'of public', 'goal', 'per second on the clock'];
report({
  bench: 'connects',
  text: `${shown(streams)} streams each, gateway on one core, median of ${rounds} rounds (range); ratios within a round.\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

function mintAll(alg: Algorithm, name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => mintWith(keys, alg, { sub: `${name}-${at}`, exp }));
}
