/** A server under test: a process of its own, on a core of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pinning, SERVER_CORE } from '../child.ts';
import type { Publication } from '../load-client.ts';
import { DATA, httpRequest } from '../wire.ts';

/** Of `/proc/PID/stat`: `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const STARTING_MS_MAX = 30_000;

export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly publishPort: number;
  /** What a client sends to open a stream. */
  readonly requests: readonly Buffer[];
  readonly publications: readonly Publication[];
  /** All that it has taken of the processor since it began. */
  cpuSeconds(): number;
  rssBytes(): number;
}

export class ServerProcess implements AsyncDisposable {
  readonly child: ChildProcess;

  /** @param ipc whether it has a channel to be asked things on */
  constructor(command: string, args: readonly string[], ipc = false) {
    const [program = '', ...rest] = [...pinning(SERVER_CORE), command, ...args];
    const channel = ipc ? ['ipc' as const] : [];
    this.child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit', ...channel] });
  }

  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    // After the name in brackets: state, then utime and stime as the 12th and 13th (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  rssBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** What `find` makes of its output, once it makes something of it. */
  async said<T>(find: (output: string) => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => reject(new Error('the server does not start')), STARTING_MS_MAX);
    const { child } = this;
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    if (child.stdout === null) throw new TypeError('the server has no standard output');
    let output = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      const found = find(output);
      if (found !== undefined) resolve(found);
    });
    try {
      return await promise;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** A server that prints `{"port":…,"publishPort":…}` and takes lines there, each of which becomes an event. */
export async function lineServer(process: ServerProcess): Promise<Server> {
  const { port, publishPort } = await process.said<Pick<Server, 'port' | 'publishPort'>>(JSON.parse);
  return {
    port,
    publishPort,
    requests: [httpRequest('/events')],
    publications: [{ bytes: Buffer.from(`${DATA}\n`) }],
    ...measured(process),
  };
}

/** What every server has of its process. */
export function measured(process: ServerProcess): Pick<Server, 'cpuSeconds' | 'rssBytes'> & AsyncDisposable {
  return {
    cpuSeconds: () => process.cpuSeconds(),
    rssBytes: () => process.rssBytes(),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
