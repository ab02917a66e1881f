import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BOUND_TO_RUN } from '../support/bound-to-run.ts';
import { ROOT, startDev } from '../support/dev-process.ts';
import type { Deployment } from './deployment.ts';

const CLI = join(ROOT, 'src', 'cli.ts');
const READY_MS = 60_000;
const DRAINED_MS = 15_000;
const ANSWER_MS = 60_000;
const LOG_LINES_MAX = 200;

export type Role = 'gateway' | 'ingest';

/** A module that each process loads first, and through which it answers `ask`. */
export interface Preload {
  readonly file: string;
  readonly flags: readonly string[];
}

/** One gateway or ingest: a process that may end and be started again, elsewhere. */
export class Pod {
  readonly name: string;
  /** Where it listens, or did last. */
  port = 0;
  /** Its last lines on standard error. */
  readonly log: string[] = [];
  /** An end that nobody asked for, or another exit code than a drained process has. */
  failure: string | undefined;
  readonly #role: Role;
  readonly #deployment: Deployment;
  readonly #preload: Preload | undefined;
  #child: ChildProcess | undefined;
  #ending = false;

  constructor(role: Role, number: number, deployment: Deployment, preload?: Preload) {
    this.name = `${role}-${number}`;
    this.#role = role;
    this.#deployment = deployment;
    this.#preload = preload;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { file, secretsDir } = this.#deployment;
    const listener = this.#role === 'gateway' ? 'http' : 'ingest';
    const off = ['http', 'tls', 'ingest', 'publish', 'admin'].filter((name) => name !== listener);
    const args = [
      ...['--secrets-dir', secretsDir, `--listen-${listener}`, '127.0.0.1:0'],
      ...off.flatMap((name) => (LISTENERS[this.#role].includes(name) ? [`--listen-${name}`, 'off'] : [])),
    ];
    const first = this.#preload === undefined ? [] : [...this.#preload.flags, '--import', this.#preload.file];
    const [command = '', ...rest] = [
      ...BOUND_TO_RUN,
      process.execPath,
      ...first,
      CLI,
      this.#role,
      file,
      ...args,
    ];
    const child = spawn(command, rest, {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe', this.#preload === undefined ? 'ignore' : 'ipc'],
    });
    this.#child = child;
    this.#ending = false;
    const { stderr } = child;
    if (stderr === null) throw new TypeError('it was started with a pipe');
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    createInterface({ input: stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > LOG_LINES_MAX) this.log.shift();
      const port = listening(line, listener);
      if (port !== undefined) resolve(port);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const how = `${this.name} ended with ${signal ?? code}`;
      if (!this.#ending) this.failure = how;
      reject(new Error(`${how}\n${this.log.join('\n')}`));
    });
    const timer = setTimeout(() => reject(new Error(`${this.name} does not listen`)), READY_MS);
    try {
      this.port = await promise;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns what the preload module answers */
  async ask(question: string): Promise<unknown> {
    const child = this.#child;
    if (child?.connected !== true) throw new Error(`${this.name} has no channel`);
    const answer = once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
    child.send(question);
    try {
      const [message] = await answer;
      return message;
    } catch (cause) {
      const how = this.failure ?? `${this.name} did not answer "${question}"`;
      throw new Error([how, ...this.log].join('\n'), { cause });
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; resolves when it has ended by itself. */
  async drain(): Promise<void> {
    const child = this.#child;
    const timer = setTimeout(() => {
      this.failure = `${this.name} had not drained after ${DRAINED_MS} ms`;
      child?.kill('SIGKILL');
    }, DRAINED_MS);
    await this.#end('SIGTERM');
    clearTimeout(timer);
    if (child !== undefined && child.exitCode !== 0) {
      this.failure ??= `${this.name} drained and ended with ${child.signalCode ?? child.exitCode}`;
    }
  }

  /** SIGSTOP: its connections stay open, and whatever comes waits in the kernel. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT: what has come meanwhile, from clients and from Redis, comes in any order. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#ending = true;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

/** What each role would listen on by itself. */
const LISTENERS: Readonly<Record<Role, readonly string[]>> = {
  gateway: ['http', 'tls', 'admin'],
  ingest: ['ingest', 'publish', 'admin'],
};

/** All pods of a run. */
export interface Pods extends AsyncDisposable {
  readonly gateways: readonly Pod[];
  readonly ingests: readonly Pod[];
}

export async function startPods(
  deployment: Deployment,
  gateways: number,
  ingests: number,
  preload?: Preload,
): Promise<Pods> {
  const make = (role: Role, count: number): readonly Pod[] =>
    Array.from({ length: count }, (_, i) => new Pod(role, i + 1, deployment, preload));
  const pods = { gateways: make('gateway', gateways), ingests: make('ingest', ingests) };
  const all = [...pods.gateways, ...pods.ingests];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((pod) => pod.kill()));
  };
  try {
    await Promise.all(all.map((pod) => pod.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...pods, [Symbol.asyncDispose]: stop };
}

/** `dev` as if it were one gateway and one ingest: nothing of it can be broken without losing all. */
export async function startDevPods(deployment: Deployment): Promise<Pods> {
  const dev = await startDev(deployment.file);
  const gateway = new Pod('gateway', 1, deployment);
  const ingest = new Pod('ingest', 1, deployment);
  gateway.port = dev.ports.clearText;
  ingest.port = dev.ports.ingest;
  return {
    gateways: [gateway],
    ingests: [ingest],
    [Symbol.asyncDispose]: () => dev[Symbol.asyncDispose](),
  };
}

function listening(line: string, listener: string): number | undefined {
  if (!line.startsWith('{')) return undefined;
  const { message, listener: name, port }: Record<string, unknown> = JSON.parse(line);
  return message === 'listening' && name === listener && typeof port === 'number' ? port : undefined;
}
