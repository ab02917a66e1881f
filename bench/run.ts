/** `npm run bench -- NAME [ARGUMENTS]`: runs `bench/NAME.ts`; without a name, says which there are. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const NAMES = [
  ...['fanout', 'http2', 'throughput', 'memory', 'connects', 'resume', 'stalled', 'selection', 'expiry'],
  ...['ingest', 'gateways', 'redis', 'answers', 'smoke', 'all', 'docs'],
];
const [name = '', ...args] = process.argv.slice(2);
if (!NAMES.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [ARGUMENTS]\nNames: ${NAMES.join(', ')}`);
  process.exit(2);
}
const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
  stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
