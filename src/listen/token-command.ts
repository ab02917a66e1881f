import { spawn } from 'node:child_process';
import type { Clock } from '../core/clock.ts';
import { TokenSourceError } from './token-source.ts';

export const COMMAND_MS_MAX = 10_000;
export const COMMAND_OUTPUT_BYTES_MAX = 16 * 1024;

const NAME = 'the token command';

/**
 * Runs `command` by `/bin/sh -c` in a process group of its own, so that a time-out ends all of a pipeline.
 * Its standard error is the user's: there it says what is wrong. It has no standard input.
 *
 * @returns its standard output
 * @throws {TokenSourceError} on another exit status than 0, after 10 s, or beyond 16 KiB of output; the command is ended
 */
export function runTokenCommand(command: string, clock: Clock, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (error: unknown) => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      child.stdout.destroy();
      if (error === undefined) return resolve(Buffer.concat(chunks).toString('utf8'));
      end(child.pid);
      reject(error);
    };
    const fail = (why: string, cause?: unknown) =>
      settle(new TokenSourceError('no_token', `${NAME} ${why}`, { cause, retryable: true }));
    const abort = () => settle(signal.reason);
    const timer = clock.after(COMMAND_MS_MAX, () => fail(`took more than ${COMMAND_MS_MAX / 1000} s`));
    signal.addEventListener('abort', abort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > COMMAND_OUTPUT_BYTES_MAX) fail(`printed more than ${COMMAND_OUTPUT_BYTES_MAX / 1024} KiB`);
      else chunks.push(chunk);
    });
    child.on('error', (error) => fail('could not be started', error));
    child.on('close', (status, name) => {
      if (status === 0) settle(undefined);
      else fail(status === null ? `was ended by ${name}` : `failed with exit status ${status}`);
    });
  });
}

/** A negative process id is the group. */
function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
