import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { eventually } from '../eventually.ts';
import { type RedisAccess, redisCli } from './redis-cli.ts';
import { RedisProcess } from './redis-process.ts';
import { reservePort } from './reserved-port.ts';

export { noRedis } from './redis-process.ts';

export interface RedisOptions {
  /** How the append-only file is synced; `false`: no file, a killed server has forgotten everything. Default `everysec`. */
  readonly appendonly?: 'always' | 'everysec' | false;
  /** Of the user `default`. */
  readonly password?: string;
  /** Lines of an ACL file, such as `user gateway on >secret ~tidegate:* +@read`. The rig keeps a user of its own besides. */
  readonly users?: readonly string[];
  /** Only TLS is spoken; `mutual` demands a client certificate. */
  readonly tls?: boolean | 'mutual';
  /** Instead of new ones: one CA for several servers. */
  readonly certificates?: Certificates;
  /** A master, or a proxy in front of one; the server is returned when it has caught up. */
  readonly replicaOf?: { readonly port: number; readonly password?: string | undefined };
  /** More lines of redis.conf, after ours. */
  readonly config?: readonly string[];
}

/** What the disk held at a moment. */
export interface Snapshot {
  readonly directory: string;
}

const RIG_USER = 'rig';
const RIG_PASSWORD = 'rig-password';
const DATA = ['appendonlydir', 'dump.rdb'];

/** A `redis-server` on a free loopback port, in a directory of its own. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly password: string | undefined;
  readonly certificates: Certificates | undefined;
  readonly #directory: string;
  readonly #process: RedisProcess;
  readonly #options: RedisOptions;
  readonly #release: () => Promise<void>;
  #snapshots = 0;
  #paused = false;

  constructor(
    port: number,
    directory: string,
    options: RedisOptions,
    certificates: Certificates | undefined,
    release: () => Promise<void>,
  ) {
    this.port = port;
    this.password = options.password;
    this.certificates = certificates;
    this.#directory = directory;
    this.#options = options;
    this.#process = new RedisProcess(directory, join(directory, 'redis.conf'));
    this.#release = release;
  }

  /** As the user `default`. */
  get url(): string {
    return this.password === undefined
      ? `${this.#scheme}://127.0.0.1:${this.port}`
      : `${this.#scheme}://:${encodeURIComponent(this.password)}@127.0.0.1:${this.port}`;
  }

  urlAs(user: string, password: string): string {
    return `${this.#scheme}://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#process.running;
  }

  get paused(): boolean {
    return this.running && this.#paused;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What it printed since its last start. */
  get log(): string {
    return this.#process.log;
  }

  /** As a user with every right; see `redisCli`. */
  cli(...args: string[]): Promise<string> {
    const user = this.#options.users === undefined ? undefined : RIG_USER;
    const password = user === undefined ? this.password : RIG_PASSWORD;
    return redisCli({ port: this.port, user, password, certificates: this.certificates }, args);
  }

  /** One field of `INFO`, such as `role`; `undefined` when there is none of that name. */
  async info(field: string): Promise<string | undefined> {
    const line = (await this.cli('INFO', 'all')).split(/\r?\n/).find((text) => text.startsWith(`${field}:`));
    return line?.slice(field.length + 1);
  }

  start(): Promise<void> {
    this.#paused = false;
    return this.#process.start();
  }

  /** SIGKILL: what the disk holds by now is what a later `restart()` finds. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** In order, with all data, when it runs; else a mere start. Same port, same directory. */
  async restart(): Promise<void> {
    if (this.running) {
      this.resume();
      await this.cli('SHUTDOWN', ...(this.#options.appendonly === false ? ['SAVE'] : []));
      await this.#process.gone();
    }
    await this.start();
  }

  /** SIGSTOP: connections stay open, new ones are accepted by the kernel, nothing is answered. */
  pause(): void {
    this.#process.signal('SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    this.#process.signal('SIGCONT');
    this.#paused = false;
  }

  async flush(): Promise<void> {
    await this.cli('FLUSHALL');
  }

  /** Copies what the disk would hold if all were written now. */
  async snapshot(): Promise<Snapshot> {
    if (this.#options.appendonly === false) await this.cli('SAVE');
    this.#snapshots += 1;
    const directory = join(this.#directory, `snapshot-${this.#snapshots}`);
    await this.#copyData(this.#directory, directory);
    return { directory };
  }

  /** Kills it, puts the older files back and starts it: a log that went back in time. */
  async restoreSnapshot({ directory }: Snapshot): Promise<void> {
    await this.kill();
    for (const name of DATA) await rm(join(this.#directory, name), { recursive: true, force: true });
    await this.#copyData(directory, this.#directory);
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#release();
  }

  get #scheme(): string {
    return this.certificates === undefined ? 'redis' : 'rediss';
  }

  async #copyData(from: string, to: string): Promise<void> {
    const name = this.#options.appendonly === false ? 'dump.rdb' : 'appendonlydir';
    await cp(join(from, name), join(to, name), { recursive: true });
  }
}

/** @throws with the server's log when it does not come up */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  await using made = new AsyncDisposableStack();
  const { port } = made.use(await reservePort());
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  const certificates = options.tls
    ? (options.certificates ?? (await makeCertificates(directory)))
    : undefined;
  if (options.users !== undefined) {
    const rig = `user ${RIG_USER} on >${RIG_PASSWORD} ~* &* +@all`;
    await writeFile(join(directory, 'users.acl'), [rig, ...options.users, ''].join('\n'));
  }
  await writeFile(join(directory, 'redis.conf'), configuration(port, directory, options, certificates));
  const release = made.move();
  const server = new RedisServer(port, directory, options, certificates, () => release.disposeAsync());
  try {
    await server.start();
    if (options.replicaOf !== undefined) await caughtUp(server, { certificates, ...options.replicaOf });
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/**
 * Waits until what is written to the master now has reached the replica. A link that is up is not enough: after a full
 * copy the master may hold the stream back for another second, until the replica's next acknowledgement.
 */
export async function caughtUp(replica: RedisServer, master: RedisAccess): Promise<void> {
  await eventually(async () => {
    const link = await replica.info('master_link_status');
    if (link !== 'up') throw new Error(`the replica's link is ${link}; its log:\n${replica.log}`);
  });
  // Replicated, but kept nowhere.
  await redisCli(master, ['PUBLISH', 'rig', 'caught up?']);
  const replication = await redisCli(master, ['INFO', 'replication']);
  const written = Number(/^master_repl_offset:(\d+)/m.exec(replication)?.[1]);
  await eventually(async () => {
    const read = Number(await replica.info('slave_repl_offset'));
    if (!(read >= written))
      throw new Error(`the replica is at ${read} of ${written}; its log:\n${replica.log}`);
  });
}

function configuration(
  port: number,
  directory: string,
  options: RedisOptions,
  certificates: Certificates | undefined,
): string {
  const { appendonly = 'everysec', password, users, tls, replicaOf, config = [] } = options;
  const lines = [
    'bind 127.0.0.1',
    `dir ${directory}`,
    'save ""',
    // A rewrite in the background could swap files under a snapshot.
    'auto-aof-rewrite-percentage 0',
    'repl-diskless-sync-delay 0',
    // By default an orderly end waits ten seconds for a replica that lags.
    'shutdown-timeout 0',
    ...(appendonly === false ? ['appendonly no'] : ['appendonly yes', `appendfsync ${appendonly}`]),
    ...(password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`]),
    ...(users === undefined ? [] : [`aclfile ${join(directory, 'users.acl')}`]),
    ...(replicaOf === undefined ? [] : [`replicaof 127.0.0.1 ${replicaOf.port}`]),
    ...(replicaOf?.password === undefined ? [] : [`masterauth ${replicaOf.password}`]),
  ];
  if (certificates === undefined) lines.push(`port ${port}`);
  else {
    lines.push(
      'port 0',
      `tls-port ${port}`,
      `tls-ca-cert-file ${join(certificates.directory, 'ca.crt')}`,
      `tls-cert-file ${join(certificates.directory, 'server.crt')}`,
      `tls-key-file ${join(certificates.directory, 'server.key')}`,
      `tls-auth-clients ${tls === 'mutual' ? 'yes' : 'no'}`,
      'tls-replication yes',
    );
  }
  return `${[...lines, ...config].join('\n')}\n`;
}
