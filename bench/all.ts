/**
 * Every bench in the size to quote, within twenty minutes on a quiet machine: results as JSON in `bench/results/`, and
 * from these the tables and the chart of `docs/performance.md`.
 *
 *     npm run bench -- all [--rounds N]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RESULTS } from './results.ts';
import { type Run, runAll } from './suite.ts';

const RUNS: readonly Run[] = [
  ['fanout', '--deliveries', '150000'],
  ['http2', '--deliveries', '200000'],
  ['throughput'],
  ['memory', '--tls-streams', '2000'],
  ['connects'],
  ['resume'],
  ['stalled', '--seconds', '10'],
  ['selection', '--deliveries', '200000'],
  ['expiry'],
  ['ingest'],
  ['gateways', '--deliveries', '200000'],
  ['redis', '--events', '20000'],
  ['answers'],
];

/** Those that have no rounds take turns within one. */
const WITHOUT_ROUNDS: ReadonlySet<string> = new Set(['answers']);

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
mkdirSync(RESULTS, { recursive: true });
const ran = await runAll(
  RUNS.map(([name, ...args]): Run => {
    const rounds = WITHOUT_ROUNDS.has(name) ? [] : ['--rounds', values.rounds];
    return [name, ...args, ...rounds, '--json', join(RESULTS, `${name}.json`)];
  }),
);
const written = await runAll([['docs']]);
process.exitCode = ran && written ? 0 : 1;
