/**
 * A storm of resumes: N clients that missed M events come back at once to a gateway that has just restarted.
 *
 * How it avoids fooling itself: the gateway is `tidegate gateway`, a process of its own on one core, new for each case of
 * each round, so that its token cache and everything else is as after a restart; events come from Redis, where it found
 * them as it started. The clock begins with the first connection attempt and stops when the last stream has its last
 * event; a stream that is refused, closed, or gets one event more or fewer than it is owed fails the run. Cold: every
 * client has a token of its own, so every signature is verified. Cached: all share one, so that all but the first are
 * found in the cache. The CPU time of both sides stands beside: a client that takes as long as the gateway would be what was
 * measured.
 *
 *     npm run bench -- resume [--streams 10000] [--events 100] [--rounds 3] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis/redis-server.ts';
import { Child, SERVER_CORE } from './child.ts';
import { Deployment } from './deployment.ts';
import { median, quantile, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import type { FromPublisher, ToPublisher } from './redis/protocol.ts';
import { report } from './report.ts';
import { bearer, inSeconds } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    events: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const streams = Number(values.streams);
const events = Number(values.events);
const rounds = Number(values.rounds);
/** In the log before what is missed, so that there is something to pass by. */
const OLDER_EVENTS = 10_000;
const TOKEN_S = 7_200;
const CASES = [
  { name: 'RS256, cached', guard: 'rs256', shared: true, goalS: 3 },
  { name: 'RS256, cold', guard: 'rs256', shared: false, goalS: 5 },
  { name: 'ES256, cold', guard: 'es256', shared: false, goalS: 5 },
] as const;

interface Sample {
  readonly name: string;
  readonly round: number;
  readonly allS: number;
  readonly halfS: number;
  readonly gatewayCpuS: number;
  readonly clientCpuS: number;
}

await using native = await buildNative();
await using redis = await startRedis({ appendonly: false });
await using deployment = await Deployment.create(
  redis.url,
  [
    { name: 'rs256', alg: 'RS256' },
    { name: 'es256', alg: 'ES256' },
  ],
  { perSubject: 100_000, connections: streams + 1_000 },
);
const lastEventId = await fill();
const exp = inSeconds(TOKEN_S);
const requests = CASES.map(({ guard, shared }) =>
  Array.from({ length: shared ? 1 : streams }, (_, client) =>
    httpRequest(`/${guard}`, {
      'last-event-id': lastEventId,
      ...bearer(deployment.mint(guard, { sub: `client-${client}`, exp })),
    }),
  ),
);
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  for (const [at, { name }] of CASES.entries()) {
    const sample = { name, round, ...(await measure(requests[at] ?? [])) };
    samples.push(sample);
    console.log(
      `round ${round}, ${name}: ${shown(sample.allS, 2)} s, CPU of the gateway ${shown(sample.gatewayCpuS, 2)} s`,
    );
  }
}
const rows = CASES.map(({ goalS, name }): Row => {
  const of = (figure: 'allS' | 'halfS' | 'gatewayCpuS' | 'clientCpuS') =>
    samples.filter((sample) => sample.name === name).map((sample) => sample[figure]);
  return [
    name,
    spread(of('allS'), 2),
    `< ${goalS}`,
    shown(median(of('halfS')), 2),
    spread(of('gatewayCpuS'), 2),
    shown(median(of('clientCpuS')), 2),
  ];
});
const head = ['tokens', 'all have all, s', 'goal', 'half have all, s', 'CPU s: gateway', 'client'];
report({
  bench: 'resume',
  text: `${shown(streams)} clients resume ${events} events each after a restart, gateway on one core, median of ${rounds} interleaved rounds (range).\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

/** @returns the last id before the events that are missed */
async function fill(): Promise<string> {
  const file = new URL('redis/publisher.ts', import.meta.url).pathname;
  await using publisher = new Child<ToPublisher, FromPublisher>(file, ['tidegate', redis.url]);
  await publisher.hears();
  const older = await publisher.ask({ kind: 'publish', events: OLDER_EVENTS });
  if (older.kind !== 'published') throw new Error('the publisher did not publish');
  await publisher.ask({ kind: 'publish', events });
  return older.last;
}

async function measure(requests: readonly Buffer[]): Promise<Omit<Sample, 'name' | 'round'>> {
  await using gateway = await deployment.startGateway(SERVER_CORE);
  await using client = await LoadClient.start(native, { port: gateway.port, requests });
  const before = await gateway.cpuTime();
  const load = await client.open(streams, events);
  const gatewayCpuS = ((await gateway.cpuTime()) - before) / 1e6;
  await settle();
  const records = await client.records();
  if (records.some(({ markers }) => markers !== events)) throw new Error('a stream got more than it is owed');
  const complete = records.map(({ completeUs }) => completeUs);
  const halfAgoS = (Math.max(...complete) - quantile(complete, 0.5)) / 1e6;
  return { allS: load.seconds, halfS: load.seconds - halfAgoS, gatewayCpuS, clientCpuS: load.cpuSeconds };
}
