import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { onPath } from '../support/on-path.ts';
import { outputOf } from '../support/output-of.ts';

/** Debian's packages, for the reason that a skipped test gives. */
const PACKAGES = { curl: 'curl', nc: 'netcat-openbsd' } as const;
const COMMAND_MS = 60_000;

/** Why these commands cannot be had here, or `false`: to be given to `skip`, so that it is told and counted. */
export function without(...commands: (keyof typeof PACKAGES)[]): string | false {
  const missing = commands.filter((command) => !onPath(command));
  if (missing.length > 0) {
    const packages = missing.map((command) => PACKAGES[command]);
    return `${missing.join(' and ')} missing: install ${packages.join(' ')}`;
  }
  return commands.includes('curl') && !curlSpeaksHttp2() ? 'this curl was built without HTTP/2' : false;
}

export interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command from its beginning to its end; it is given `input` and then the end of it. */
export async function run(
  command: string,
  args: readonly string[],
  input = '',
  options: { readonly cwd?: string } = {},
): Promise<Finished> {
  const child = spawn(command, args, { ...options, timeout: COMMAND_MS, killSignal: 'SIGKILL' });
  const output = outputOf(child);
  // A command may end without having read it all.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [status] = await once(child, 'close');
  return { status, ...output };
}

/** Ends it however it is, and waits for that. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function curlSpeaksHttp2(): boolean {
  return /^Features:.*\bHTTP2\b/m.test(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout);
}
