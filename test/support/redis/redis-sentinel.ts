import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisCli } from './redis-cli.ts';
import { RedisProcess } from './redis-process.ts';
import { caughtUp, type RedisServer, startRedis } from './redis-server.ts';
import { reservePort } from './reserved-port.ts';
import { within } from './within.ts';

const NAME = 'mymaster';
const SENTINELS = 3;
const QUORUM = 2;
const DOWN_AFTER_MS = 1_000;
const FAILOVER_TIMEOUT_MS = 3_000;
const SETTLE_MS = 60_000;
/** How often sentinels look, instead of every ten seconds, two seconds and one; and how long they sit out a stutter. */
const PACE = ['INFO-PERIOD', '500', 'PUBLISH-PERIOD', '300', 'PING-PERIOD', '200', 'TILT-PERIOD', '1000'];

export interface SentinelOptions {
  /** Of master and replica. */
  readonly password?: string;
  readonly sentinelPassword?: string;
  /** More lines of redis.conf for master and replica. */
  readonly config?: readonly string[];
  readonly appendonly?: 'always' | 'everysec' | false;
}

class Sentinel implements AsyncDisposable {
  readonly port: number;
  readonly #password: string | undefined;
  readonly #process: RedisProcess;
  readonly #release: () => Promise<void>;

  constructor(port: number, directory: string, password: string | undefined, release: () => Promise<void>) {
    this.port = port;
    this.#password = password;
    this.#process = new RedisProcess(directory, join(directory, 'sentinel.conf'), ['--sentinel']);
    this.#release = release;
  }

  cli(...args: string[]): Promise<string> {
    return redisCli({ port: this.port, password: this.#password }, args);
  }

  /** Whom it takes for the master. */
  async masterPort(): Promise<number> {
    const [, port] = (await this.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)).split('\n');
    return Number(port);
  }

  get log(): string {
    return this.#process.log;
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#release();
  }
}

/** A master, a replica and three sentinels (quorum 2, down after a second). */
export class RedisSentinel implements AsyncDisposable {
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly Sentinel[];
  readonly #options: SentinelOptions;
  readonly #release: () => Promise<void>;
  #master: RedisServer;

  constructor(
    servers: readonly [RedisServer, RedisServer],
    sentinels: readonly Sentinel[],
    options: SentinelOptions,
    release: () => Promise<void>,
  ) {
    this.servers = servers;
    this.#master = servers[0];
    this.sentinels = sentinels;
    this.#options = options;
    this.#release = release;
  }

  /** `redis+sentinel://[:PASSWORD@]HOST:PORT,…/mymaster`; the password is the master's. */
  get url(): string {
    const { password } = this.#options;
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    return `redis+sentinel://${login}${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  /** After the last failover that was asked for here. */
  get master(): RedisServer {
    return this.#master;
  }

  get replica(): RedisServer {
    return this.servers[0] === this.#master ? this.servers[1] : this.servers[0];
  }

  /** A planned change of roles: `SENTINEL FAILOVER`, which loses nothing written before it; until all agree and follow. */
  async failover(): Promise<RedisServer> {
    const [sentinel] = this.sentinels;
    const { replica: heir } = this;
    await caughtUp(heir, this.#master);
    // Refused as long as the replica does not count as a good one, or the last failover is not over; and it may be given
    // up after its time limit.
    await within(SETTLE_MS, async () => {
      await sentinel?.cli('SENTINEL', 'FAILOVER', NAME);
      await this.#agreed(heir, FAILOVER_TIMEOUT_MS + DOWN_AFTER_MS);
    });
    await this.#following(this.replica);
    return heir;
  }

  /**
   * The master is lost: killed, or stopped so that its connections stay open (a partition). Replication that was held is
   * let go after that. Resolves when all sentinels and the new master agree.
   */
  async lose(how: 'kill' | 'pause' = 'kill'): Promise<RedisServer> {
    const { master, replica: heir } = this;
    if (how === 'kill') await master.kill();
    else master.pause();
    if (heir.running) heir.resume();
    await this.#agreed(heir, SETTLE_MS);
    return heir;
  }

  /**
   * From now on the replica gets nothing: stopped, and its connection cut at the master's side, for what is already in
   * its socket would be read later. What the master acknowledges from here on is lost with it by `lose()`.
   */
  async holdReplication(): Promise<void> {
    this.replica.pause();
    await this.#master.cli('CLIENT', 'KILL', 'TYPE', 'replica');
  }

  /** Brings a lost master back, as the replica it has become; its unreplicated writes are thrown away. */
  async rejoin(): Promise<void> {
    if (this.replica.running) this.replica.resume();
    else await this.replica.start();
    await this.#following(this.replica);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
  }

  async #agreed(heir: RedisServer, limitMs: number): Promise<void> {
    await within(limitMs, async () => {
      for (const sentinel of this.sentinels) {
        const port = await sentinel.masterPort();
        if (port !== heir.port) {
          const logs = [sentinel.log, ...this.servers.map(({ log }) => log)].join('\n');
          throw new Error(`sentinel ${sentinel.port} says ${port}, not ${heir.port}; logs:\n${logs}`);
        }
      }
      const role = await heir.info('role');
      if (role !== 'master') throw new Error(`the new master's role is ${role}`);
    });
    this.#master = heir;
  }

  async #following(replica: RedisServer): Promise<void> {
    await within(SETTLE_MS, async () => {
      const role = await replica.info('role');
      const port = await replica.info('master_port');
      if (role !== 'slave' || port !== String(this.#master.port)) {
        throw new Error(`it is ${role} of ${port}; its log:\n${replica.log}`);
      }
      // A sentinel that remembers it as a master would undo its next promotion at once.
      for (const sentinel of this.sentinels) {
        const seen = await sentinel.cli('SENTINEL', 'REPLICAS', NAME);
        if (!/^role-reported\nslave$/m.test(seen) || !/^master-link-status\nok$/m.test(seen)) {
          throw new Error(`sentinel ${sentinel.port} sees it as\n${seen}\nits log:\n${sentinel.log}`);
        }
      }
    });
    await caughtUp(replica, this.#master);
  }
}

/** @throws with the log of whoever did not come up */
export async function startSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  await using made = new AsyncDisposableStack();
  const { password, appendonly, config } = options;
  const shared = {
    ...(password === undefined ? {} : { password }),
    ...(appendonly === undefined ? {} : { appendonly }),
    ...(config === undefined ? {} : { config }),
  };
  const master = made.use(await startRedis(shared));
  const replica = made.use(await startRedis({ ...shared, replicaOf: master }));
  const sentinels: Sentinel[] = [];
  for (let index = 0; index < SENTINELS; index += 1) {
    sentinels.push(made.use(await startOne(master.port, options)));
  }
  for (const sentinel of sentinels) await sentinel.cli('SENTINEL', 'DEBUG', ...PACE);
  await settled(sentinels);
  const release = made.move();
  return new RedisSentinel([master, replica], sentinels, options, () => release.disposeAsync());
}

/** Waits until every sentinel knows the others and the replica. */
function settled(sentinels: readonly Sentinel[]): Promise<void> {
  return within(SETTLE_MS, async () => {
    for (const sentinel of sentinels) {
      await sentinel.cli('SENTINEL', 'CKQUORUM', NAME);
      const others = await sentinel.cli('SENTINEL', 'SENTINELS', NAME);
      const replicas = await sentinel.cli('SENTINEL', 'REPLICAS', NAME);
      if (others.match(/^runid$/gm)?.length !== SENTINELS - 1 || !/^flags\nslave$/m.test(replicas)) {
        throw new Error(`sentinel ${sentinel.port} does not know all yet; its log:\n${sentinel.log}`);
      }
    }
  });
}

async function startOne(masterPort: number, options: SentinelOptions): Promise<Sentinel> {
  await using made = new AsyncDisposableStack();
  const { port } = made.use(await reservePort());
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-sentinel-'));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  const { password, sentinelPassword } = options;
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${directory}`,
    ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${NAME} ${password}`]),
  ];
  await writeFile(join(directory, 'sentinel.conf'), `${lines.join('\n')}\n`);
  const release = made.move();
  const sentinel = new Sentinel(port, directory, sentinelPassword, () => release.disposeAsync());
  try {
    await sentinel.start();
  } catch (error) {
    await release.disposeAsync();
    throw error;
  }
  return sentinel;
}
