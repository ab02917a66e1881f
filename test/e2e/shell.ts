import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { outputOf } from '../support/output-of.ts';

const PERIOD_MS = 10;

/** A group of its own outlives whoever started it, and the runner ends a test that takes too long by SIGTERM. */
const groups = new Set<number>();
process.once('SIGTERM', () => {
  for (const group of groups) send(group, 'SIGKILL');
  process.exit(143);
});

/** A command line as somebody types it, in a terminal of its own: all that it starts is one process group. */
export interface Shell extends AsyncDisposable {
  out(): string;
  err(): string;
  /** Resolves as soon as its outputs are so. */
  until(isSo: (out: string, err: string) => boolean, limitMs?: number): Promise<void>;
  /** Ctrl-C. */
  interrupt(): void;
  /** Resolves with the exit status when all of it has ended. */
  readonly ended: Promise<number | null>;
}

export function startShell(line: string, cwd: string): Shell {
  const child = spawn('/bin/sh', ['-c', line], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  let closed = false;
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (status) => {
      closed = true;
      resolve(status);
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('there is no shell');
  groups.add(pid);
  return {
    out: () => output.out,
    err: () => output.err,
    async until(isSo, limitMs = 40_000) {
      const deadline = Date.now() + limitMs;
      while (!isSo(output.out, output.err)) {
        if (closed || Date.now() > deadline) {
          const why = closed ? 'ended too soon' : `took more than ${limitMs} ms`;
          throw new Error(`${line}\n${why}; so far:\n${output.out}\n${output.err}`);
        }
        await wait(PERIOD_MS);
      }
    },
    interrupt: () => send(pid, 'SIGINT'),
    ended,
    async [Symbol.asyncDispose]() {
      send(pid, 'SIGKILL');
      await ended;
      groups.delete(pid);
    },
  };
}

function send(group: number, signal: NodeJS.Signals): void {
  try {
    // A negative process id is the group.
    process.kill(-group, signal);
  } catch {
    // It has ended by itself.
  }
}
