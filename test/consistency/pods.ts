import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
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
  /** The same for revocations, of a gateway. */
  revocationsPort = 0;
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
    const { on, off } = LISTENERS[this.#role];
    const args = [
      ...['--secrets-dir', secretsDir],
      ...on.flatMap((name) => [`--listen-${name}`, '127.0.0.1:0']),
      ...off.flatMap((name) => [`--listen-${name}`, 'off']),
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
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ports = new Map<string, number>();
    createInterface({ input: stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > LOG_LINES_MAX) this.log.shift();
      const told = listening(line);
      if (told !== undefined) ports.set(...told);
      if (on.every((name) => ports.has(name))) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const how = `${this.name} ended with ${signal ?? code}`;
      if (!this.#ending) this.failure = how;
      reject(new Error(`${how}\n${this.log.join('\n')}`));
    });
    const timer = setTimeout(() => reject(new Error(`${this.name} does not listen`)), READY_MS);
    try {
      await promise;
      const [port = 0, revocationsPort = 0] = on.map((name) => ports.get(name));
      this.port = port;
      this.revocationsPort = revocationsPort;
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

/** What each role listens on here, and what it would by itself. */
const LISTENERS: Readonly<Record<Role, Readonly<Record<'on' | 'off', readonly string[]>>>> = {
  gateway: { on: ['http', 'revocations'], off: ['tls', 'admin'] },
  ingest: { on: ['ingest'], off: ['publish', 'admin'] },
};

/** All pods of a run. */
export interface Pods extends AsyncDisposable {
  readonly gateways: readonly Pod[];
  readonly ingests: readonly Pod[];
  /** For revocations, at each gateway. */
  readonly credential: string;
}

export async function startPods(
  deployment: Deployment,
  gateways: number,
  ingests: number,
  preload?: Preload,
): Promise<Pods> {
  const make = (role: Role, count: number): readonly Pod[] =>
    Array.from({ length: count }, (_, i) => new Pod(role, i + 1, deployment, preload));
  const { credential } = deployment;
  const pods = { credential, gateways: make('gateway', gateways), ingests: make('ingest', ingests) };
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
  gateway.revocationsPort = dev.ports.revocations;
  ingest.port = dev.ports.ingest;
  return {
    gateways: [gateway],
    ingests: [ingest],
    credential: (await readFile(join(dev.stateDir, 'revocations-token'), 'utf8')).trim(),
    [Symbol.asyncDispose]: () => dev[Symbol.asyncDispose](),
  };
}

function listening(line: string): [listener: string, port: number] | undefined {
  if (!line.startsWith('{')) return undefined;
  const { message, listener, port }: Record<string, unknown> = JSON.parse(line);
  if (message !== 'listening' || typeof listener !== 'string' || typeof port !== 'number') return undefined;
  return [listener, port];
}
