/**
 * Every bench in a small size, within two minutes: whether they still run and stand where they did, not the figures
 * to quote. One round of little is mostly what compiling costs, and on a busy machine mostly what others do.
 *
 *     npm run bench -- smoke
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const RUNS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['fanout', '--streams', '1000', '--deliveries', '30000', '--rounds', '1'],
  ['http2', '--streams', '1000', '--deliveries', '30000', '--rounds', '1'],
  ['throughput', '--cases', '500x200', '--seconds', '1', '--rounds', '1'],
  ['memory', '--streams', '1000', '--tls-streams', '200', '--rounds', '1'],
  ['connects', '--streams', '500', '--rounds', '1'],
  ['resume', '--streams', '500', '--rounds', '1'],
  ['stalled', '--streams', '100', '--seconds', '8', '--rounds', '1'],
  ['selection', '--streams', '500', '--deliveries', '20000', '--events', '300', '--rounds', '1'],
  ['expiry', '--streams', '500', '--rounds', '1'],
  ['ingest', '--lines', '20000', '--rounds', '1'],
  ['gateways', '--streams', '500', '--deliveries', '20000', '--rounds', '1'],
  ['redis', '--events', '10000', '--rounds', '1'],
  ['answers', '--answers', '50'],
];
const LIMIT_S = 120;

const began = performance.now();
const failed: string[] = [];
for (const [name, ...args] of RUNS) {
  console.log(`\n## ${name} ${args.join(' ')}\n`);
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) failed.push(name);
}
const seconds = (performance.now() - began) / 1000;
console.log(`\n${Math.round(seconds)} s${failed.length === 0 ? '' : `; failed: ${failed.join(', ')}`}`);
process.exitCode = failed.length > 0 || seconds > LIMIT_S ? 1 : 0;
