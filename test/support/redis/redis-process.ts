import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BOUND_TO_RUN } from '../bound-to-run.ts';
import { onPath } from '../on-path.ts';

const START_MS = 60_000;
const END_MS = 30_000;
/** What a server, or a sentinel, says once it listens and has loaded its data. */
const READY = /Ready to accept connections|Sentinel ID is/;

/** Why there is no Redis to test with, or `false`: to be given to `skip`, so that it is told and counted. */
export const noRedis =
  onPath('redis-server') && onPath('redis-cli')
    ? false
    : 'redis-server or redis-cli is missing: install the Debian package redis-server';

/** One `redis-server` after another on the same configuration file. */
export class RedisProcess {
  readonly #file: string;
  readonly #directory: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #log = '';

  /** @param directory where it runs; the configuration file is Redis' own to rewrite */
  constructor(directory: string, file: string, flags: readonly string[] = []) {
    this.#directory = directory;
    this.#file = file;
    this.#flags = flags;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  /** Everything that it printed since it was last started. */
  get log(): string {
    return this.#log;
  }

  /** @throws with its log, when it ends or is not ready in time */
  async start(): Promise<void> {
    if (this.running) throw new Error('it runs already');
    this.#log = '';
    const [command = '', ...args] = [...BOUND_TO_RUN, 'redis-server', this.#file, ...this.#flags];
    const child = spawn(command, args, { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string): void => reject(new Error(`redis-server ${why}; its log:\n${this.#log}`));
    const timer = setTimeout(() => fail(`was not ready within ${START_MS} ms`), START_MS);
    const take = (text: string): void => {
      this.#log += text;
      if (READY.test(this.#log)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('error', (error) => fail(`could not be run (${error.message})`));
    child.once('close', (code, signal) => fail(`ended with ${signal ?? code}`));
    try {
      await promise;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL, also to one that is stopped; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.gone();
  }

  /** SIGSTOP, or SIGCONT. Its sockets stay open and the kernel goes on accepting for it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#child?.kill(signal) !== true) throw new Error(`no running redis-server to send ${signal} to`);
  }

  async gone(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.pid === undefined || !this.running) return;
    await once(child, 'exit', { signal: AbortSignal.timeout(END_MS) });
  }
}
