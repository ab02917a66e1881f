/** The load client as the benches drive it; what it does and what it refuses is in `native/load-client.c`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CLIENT_CORE, pinning } from './child.ts';
import type { Native } from './native.ts';

/** What takes longer has hung: an event was lost, or a process is stuck. */
const ANSWER_MS_MAX = 180_000;
/** Attempts under way at once, which the listeners' queues hold. */
const AT_ONCE = 500;

export interface LoadOptions {
  /** Several: streams take turns. */
  readonly port: number | readonly number[];
  /** Sent in turn. */
  readonly requests: readonly Buffer[];
  readonly publishPort?: number | undefined;
  readonly publications?: readonly Publication[];
  /** Streams of one HTTP/2 connection; absent: HTTP/1.1. */
  readonly http2?: number;
  readonly receiveBuffer?: number;
  /** Streams may end. */
  readonly ends?: boolean;
}

export interface Publication {
  readonly bytes: Buffer;
  /** Absent: all open streams. */
  readonly receivers?: number;
}

export interface Load {
  readonly seconds: number;
  /** The client's own. */
  readonly cpuSeconds: number;
  readonly published: number;
  readonly deliveries: number;
  readonly reads: number;
  readonly bytes: number;
  /** By how much the producer was late, at most. */
  readonly lateMs: number;
  readonly latencyMs: Readonly<Record<'count' | 'p50' | 'p95' | 'p99' | 'max', number>>;
}

/** Wall clock in microseconds, 0 where it never came. */
export interface StreamRecord {
  readonly openedUs: number;
  readonly completeUs: number;
  readonly challengedUs: number;
  readonly endedUs: number;
  readonly clean: boolean;
  readonly markers: number;
}

export class LoadClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #answers: ((answer: Load | Error) => void)[] = [];
  #said = '';
  #ended: Error | undefined;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    if (child.stdout === null || child.stderr === null) throw new TypeError('the client has no output');
    createInterface({ input: child.stdout }).on('line', (line) => this.#answers.shift()?.(JSON.parse(line)));
    child.stdin?.on('error', () => {
      // It has ended; 'close' says why.
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    child.once('close', () => {
      this.#ended = new Error(this.#said.trim() || 'the load client has ended');
      for (const answer of this.#answers.splice(0)) answer(this.#ended);
    });
  }

  static async start(native: Native, options: LoadOptions): Promise<LoadClient> {
    const serial = `${process.pid}-${LoadClient.#started++}`;
    const requests = join(native.directory, `requests-${serial}`);
    const publications = join(native.directory, `publications-${serial}`);
    await writeFile(
      requests,
      options.requests.flatMap((bytes) => [`${bytes.length}\n`, bytes]),
    );
    await writeFile(
      publications,
      (options.publications ?? []).flatMap(({ bytes, receivers }) => [
        `${receivers ?? 0} ${bytes.length}\n`,
        bytes,
      ]),
    );
    const args = [
      native.loadClient,
      ...[options.port].flat().flatMap((port) => ['--port', String(port)]),
      ...['--requests', requests],
      ...(options.publishPort === undefined
        ? []
        : ['--publish-port', String(options.publishPort), '--publications', publications]),
      ...(options.http2 === undefined ? [] : ['--http2', String(options.http2)]),
      ...(options.receiveBuffer === undefined ? [] : ['--receive-buffer', String(options.receiveBuffer)]),
      ...(options.ends === true ? ['--ends'] : []),
    ];
    const [command = '', ...rest] = [...pinning(CLIENT_CORE), ...args];
    return new LoadClient(spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] }), native.directory);
  }

  static #started = 0;

  /** @param markers how many events each is owed before it counts as open */
  open(count: number, markers = 0, atOnce = AT_ONCE): Promise<Load> {
    return this.#ask(`open ${count} ${atOnce} ${markers}`);
  }

  /** The next event is published when all have the one before. */
  each(count: number): Promise<Load> {
    return this.#ask(`each ${count}`);
  }

  paced(perSecond: number, seconds: number): Promise<Load> {
    return this.#ask(`paced ${perSecond} ${seconds}`);
  }

  /** Flat out, to nobody here; resolves when each has been answered by a line. */
  lines(count: number): Promise<Load> {
    return this.#ask(`lines ${count}`);
  }

  /** The first streams are not read any more. */
  stall(count: number): Promise<Load> {
    return this.#ask(`stall ${count}`);
  }

  /** Resolves when every stream has been closed. */
  ends(): Promise<Load> {
    return this.#ask('ends');
  }

  close(): Promise<Load> {
    return this.#ask('close');
  }

  async records(): Promise<readonly StreamRecord[]> {
    const file = join(this.#directory, `records-${this.#child.pid}`);
    await this.#ask(`dump ${file}`);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    return lines.map((line) => {
      const [openedUs = 0, completeUs = 0, challengedUs = 0, endedUs = 0, clean = 0, markers = 0] = line
        .split(' ')
        .map(Number);
      return { openedUs, completeUs, challengedUs, endedUs, clean: clean === 1, markers };
    });
  }

  async #ask(command: string): Promise<Load> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve } = Promise.withResolvers<Load | Error>();
    this.#answers.push(resolve);
    const timer = setTimeout(() => resolve(new Error(`no answer to "${command}"`)), ANSWER_MS_MAX);
    this.#child.stdin?.write(`${command}\n`);
    try {
      const answer = await promise;
      if (answer instanceof Error) throw answer;
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
