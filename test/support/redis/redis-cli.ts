import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Certificates } from '../certificates.ts';

const COMMAND_MS = 30_000;

export interface RedisAccess {
  readonly port: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly certificates?: Certificates | undefined;
}

/**
 * One command through `redis-cli`, not through the client library that is under test.
 *
 * @returns the reply as text, one line for each element of a list
 * @throws with Redis' own error, or after ten seconds without a reply (a stopped server)
 */
export function redisCli(access: RedisAccess, args: readonly string[]): Promise<string> {
  const { port, user, password, certificates } = access;
  const flags = ['-e', '--no-auth-warning', '-h', '127.0.0.1', '-p', String(port)];
  if (user !== undefined) flags.push('--user', user);
  if (certificates !== undefined) {
    const file = (name: string): string => join(certificates.directory, name);
    flags.push(
      '--tls',
      '--cacert',
      file('ca.crt'),
      '--cert',
      file('client.crt'),
      '--key',
      file('client.key'),
    );
  }
  const env = { ...process.env, ...(password === undefined ? {} : { REDISCLI_AUTH: password }) };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    'redis-cli',
    [...flags, ...args],
    { env, timeout: COMMAND_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 },
    (error, stdout, stderr) => {
      if (error === null) resolve(stdout.replace(/\n$/, ''));
      else if (error.killed) reject(new Error(`redis-cli ${args[0]}: no reply within ${COMMAND_MS} ms`));
      else reject(new Error(`redis-cli ${args[0]}: ${(stderr || stdout || error.message).trim()}`));
    },
  );
  // It would read an open standard input as more arguments.
  child.stdin?.end();
  return promise;
}
