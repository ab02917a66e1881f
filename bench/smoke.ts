/**
 * Every bench in a small size, within two minutes on a quiet machine: whether they still run and stand where they did,
 * not the figures to quote. One round of little is mostly what compiling costs, and on a busy machine mostly what
 * others do.
 *
 *     npm run bench -- smoke
 */
import { type Run, runAll } from './suite.ts';

const RUNS: readonly Run[] = [
  ['fanout', '--streams', '1000', '--deliveries', '30000', '--rounds', '1'],
  ['http2', '--streams', '1000', '--deliveries', '30000', '--rounds', '1'],
  ['throughput', '--cases', '500x200', '--seconds', '1', '--rounds', '1'],
  ['memory', '--streams', '1000', '--tls-streams', '200', '--rounds', '1'],
  ['connects', '--streams', '500', '--rounds', '1'],
  ['resume', '--streams', '500', '--rounds', '1'],
  ['stalled', '--streams', '100', '--rate', '40', '--seconds', '4', '--rounds', '1'],
  ['selection', '--streams', '500', '--deliveries', '20000', '--events', '300', '--rounds', '1'],
  ['expiry', '--streams', '500', '--rounds', '1'],
  ['ingest', '--lines', '20000', '--rounds', '1'],
  ['gateways', '--streams', '500', '--deliveries', '20000', '--rounds', '1'],
  ['redis', '--events', '5000', '--rounds', '1'],
  ['answers', '--answers', '20'],
];

process.exitCode = (await runAll(RUNS)) ? 0 : 1;
