/**
 * Ingest: acknowledged lines a second, from one producer's socket into Redis, and what each costs.
 *
 * How it avoids fooling itself: every line asks for an answer (`ref`), so the clock stops when the log has the last one, not
 * when the last was written. `tidegate ingest` has one core; Redis and the producer share the other, the producer being
 * a program in C that only copies bytes. The CPU time a line of ingest and of Redis stands beside: on a larger machine they
 * are what would be the limit. A line that is refused fails the run.
 *
 *     npm run bench -- ingest [--lines 200000] [--rounds 3] [--json FILE]
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs, promisify } from 'node:util';
import { type RedisServer, startRedis } from '../test/support/redis/redis-server.ts';
import { CLIENT_CORE, SERVER_CORE } from './child.ts';
import { Deployment } from './deployment.ts';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { publication } from './servers/tidegate.ts';
import { httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const lines = Number(values.lines);
const rounds = Number(values.rounds);
const WARM_UP = 0.3;

interface Sample {
  readonly round: number;
  readonly perSecond: number;
  /** Microseconds a line. */
  readonly ingestUs: number;
  readonly redisUs: number;
  readonly producerUs: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  const sample = await measure(round);
  samples.push(sample);
  console.log(
    `round ${round}: ${shown(sample.perSecond)} lines/s, ${shown(sample.ingestUs, 1)} µs of ingest each`,
  );
}
const of = (figure: keyof Sample) => samples.map((sample) => sample[figure]);
const row: Row = [
  spread(of('perSecond')),
  spread(of('ingestUs'), 2),
  spread(of('redisUs'), 2),
  shown(median(of('producerUs')), 2),
];
report({
  bench: 'ingest',
  text: `${shown(lines)} lines of 160 bytes with \`ref\` over one TCP connection, median of ${rounds} rounds (range).\n\n${table(['acknowledged lines/s', 'CPU µs a line: ingest', 'Redis', 'producer'], [row])}`,
  samples,
  json: values.json,
});

async function measure(round: number): Promise<Sample> {
  await using redis = await startRedis({ appendonly: false });
  if (availableParallelism() > CLIENT_CORE) {
    const pid = (await redis.info('process_id')) ?? '';
    await promisify(execFile)('taskset', ['-cp', String(CLIENT_CORE), pid]);
  }
  await using deployment = await Deployment.create(redis.url, [{ name: 'es256', alg: 'ES256' }]);
  await using ingest = await deployment.startIngest(SERVER_CORE);
  await using client = await LoadClient.start(native, {
    port: ingest.port,
    requests: [httpRequest('/')],
    publishPort: ingest.port,
    publications: [publication({ ref: '1' })],
  });
  await client.lines(Math.ceil(lines * WARM_UP));
  const before = { ingest: await ingest.cpuTime(), redis: await redisCpu(redis) };
  const load = await client.lines(lines);
  return {
    round,
    perSecond: lines / load.seconds,
    ingestUs: ((await ingest.cpuTime()) - before.ingest) / lines,
    redisUs: ((await redisCpu(redis)) - before.redis) / lines,
    producerUs: (load.cpuSeconds * 1e6) / lines,
  };
}

/** In microseconds, since it was started. */
async function redisCpu(server: RedisServer): Promise<number> {
  const [user, system] = [await server.info('used_cpu_user'), await server.info('used_cpu_sys')];
  return (Number(user) + Number(system)) * 1e6;
}
