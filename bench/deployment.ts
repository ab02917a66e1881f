/** What the real processes of a bench are configured with: the files of an EventGateway on Redis and its guards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AUDIENCE, createKey, forge, type IssuerKey, jwks, type Members } from '../test/support/issuer.ts';
import { pinning } from './child.ts';
import { PREFIX } from './redis/protocol.ts';

const SECRET = { name: 'redis', key: 'url' };
const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');
/** Of `/proc/PID/stat`: `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;
const LISTENING_MS = 20_000;

/** A path of its own for each guard. */
export interface GuardedPath {
  readonly name: string;
  readonly alg: 'RS256' | 'ES256';
  /** Beside issuer, audiences and keys. */
  readonly spec?: object;
}

export class Deployment implements AsyncDisposable {
  readonly #directory: string;
  readonly #keys: ReadonlyMap<string, IssuerKey>;

  private constructor(directory: string, keys: ReadonlyMap<string, IssuerKey>) {
    this.#directory = directory;
    this.#keys = keys;
  }

  static async create(redisUrl: string, paths: readonly GuardedPath[], limits = {}): Promise<Deployment> {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
    const keys = new Map(paths.map(({ alg, name }) => [name, createKey(name, alg)]));
    const deployment = new Deployment(directory, keys);
    const documents = [...paths.map((path) => deployment.#guard(path)), gateway(paths, limits)];
    await writeFile(deployment.#file, documents.map((each) => JSON.stringify(each)).join('\n---\n'));
    await mkdir(join(directory, SECRET.name));
    await writeFile(join(directory, SECRET.name, SECRET.key), redisUrl, { mode: 0o600 });
    return deployment;
  }

  mint(name: string, claims: Members): string {
    const key = this.#keys.get(name);
    if (key === undefined) throw new TypeError(`there is no guard ${name}`);
    return forge(key, { iss: issuer(name), aud: AUDIENCE, ...claims });
  }

  /** A file in the deployment's folder, which goes with it. */
  place(name: string): string {
    return join(this.#directory, name);
  }

  /** @param core the only one it may use, where there are several */
  startGateway(core?: number): Promise<RoleProcess> {
    return this.#start('gateway', 'http', core);
  }

  startIngest(core?: number): Promise<RoleProcess> {
    return this.#start('ingest', 'ingest', core);
  }

  async #start(role: 'gateway' | 'ingest', listener: 'http' | 'ingest', core?: number): Promise<RoleProcess> {
    const off = ['admin', ...(role === 'ingest' ? ['publish'] : [])].flatMap((name) => [
      `--listen-${name}`,
      'off',
    ]);
    const args = ['--secrets-dir', this.#directory, `--listen-${listener}`, '127.0.0.1:0', ...off];
    const [command = '', ...rest] = [
      ...(core === undefined ? [] : pinning(core)),
      ...[process.execPath, CLI, role, this.#file, ...args],
    ];
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    return new RoleProcess(child, await listeningPort(child, listener));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.#directory, 'tidegate.yaml');
  }

  #guard({ name, spec = {} }: GuardedPath): object {
    const key = this.#keys.get(name);
    const keys = { inline: jwks(...(key === undefined ? [] : [key])) };
    return {
      ...document('JwtGuard', name),
      spec: { issuer: issuer(name), audiences: [AUDIENCE], jwks: keys, ...spec },
    };
  }
}

export class RoleProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** All that it has taken of the processor since it began, in microseconds. */
  async cpuTime(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8');
    // After the name in brackets: state, then utime and stime as the 12th and 13th (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

async function listeningPort(child: ChildProcess, wanted: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => reject(new Error('it does not listen')), LISTENING_MS);
  child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
  if (child.stderr === null) throw new TypeError('it has no standard error');
  createInterface({ input: child.stderr }).on('line', (line) => {
    const { level, listener, message, port } = JSON.parse(line);
    if (message === 'listening' && listener === wanted) resolve(port);
    else if (level !== 'info') console.error(line);
  });
  try {
    return await promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function gateway(paths: readonly GuardedPath[], limits: object): object {
  return {
    ...document('EventGateway', 'bench'),
    spec: {
      streams: paths.map(({ name }) => ({ path: `/${name}`, guardRefs: [{ name }] })),
      redis: { urlSecretRef: SECRET, prefix: PREFIX },
      limits,
    },
  };
}

function document(kind: string, name: string): object {
  return { apiVersion: 'tidegate.dev/v1alpha1', kind, metadata: { name } };
}

function issuer(name: string): string {
  return `https://${name}.example/`;
}
