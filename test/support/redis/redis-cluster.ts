import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type RedisServer, startRedis } from './redis-server.ts';
import { reservePort } from './reserved-port.ts';
import { within } from './within.ts';

const MASTERS = 3;
const NODE_TIMEOUT_MS = 2_000;
const CREATE_MS = 60_000;
const SETTLE_MS = 60_000;

export interface ClusterOptions {
  readonly password?: string;
  /** Of each master. Default 0. */
  readonly replicas?: 0 | 1;
  /** More lines of redis.conf for every node. */
  readonly config?: readonly string[];
  readonly appendonly?: 'always' | 'everysec' | false;
}

/** Three masters, on request with a replica each; all slots are covered. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];
  readonly #options: ClusterOptions;
  readonly #release: () => Promise<void>;

  constructor(nodes: readonly RedisServer[], options: ClusterOptions, release: () => Promise<void>) {
    this.nodes = nodes;
    this.#options = options;
    this.#release = release;
  }

  /** `redis+cluster://[:PASSWORD@]HOST:PORT,…` with the three that began as masters. */
  get url(): string {
    const { password } = this.#options;
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const hosts = this.nodes.slice(0, MASTERS).map(({ port }) => `127.0.0.1:${port}`);
    return `redis+cluster://${login}${hosts.join(',')}`;
  }

  /** The node that serves the key's slot, as the first node that answers sees it. */
  async ownerOf(key: string): Promise<RedisServer> {
    const node = this.nodes.find(({ running, paused }) => running && !paused);
    if (node === undefined) throw new Error('no node answers');
    const slot = Number(await node.cli('CLUSTER', 'KEYSLOT', key));
    const owner = (await slotsOf(node)).find(({ from, to }) => from <= slot && slot <= to);
    const found = this.nodes.find(({ port }) => port === owner?.port);
    if (found === undefined) throw new Error(`nobody owns slot ${slot}`);
    return found;
  }

  /** Kills the owner of the key's slot, and returns it for a later `restart()`. */
  async killOwner(key: string): Promise<RedisServer> {
    const owner = await this.ownerOf(key);
    await owner.kill();
    return owner;
  }

  /** Moves the key's slot and what is in it to another master: clients are told `MOVED`. */
  async moveSlot(key: string): Promise<RedisServer> {
    const source = await this.ownerOf(key);
    const masters = await this.#masters();
    const target = masters.find((node) => node !== source);
    if (target === undefined) throw new Error('there is no other master');
    const slot = await source.cli('CLUSTER', 'KEYSLOT', key);
    const [from, to] = await Promise.all([source.cli('CLUSTER', 'MYID'), target.cli('CLUSTER', 'MYID')]);
    await target.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from);
    await source.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to);
    const { password } = this.#options;
    const login = password === undefined ? [] : ['AUTH', password];
    for (;;) {
      const keys = (await source.cli('CLUSTER', 'GETKEYSINSLOT', slot, '100'))
        .split('\n')
        .filter((name) => name !== '');
      if (keys.length === 0) break;
      await source.cli(
        'MIGRATE',
        '127.0.0.1',
        String(target.port),
        '',
        '0',
        '5000',
        ...login,
        'KEYS',
        ...keys,
      );
    }
    // The target first: it must call itself the owner before anybody sends clients to it.
    for (const node of [target, source, ...masters.filter((other) => other !== source && other !== target)]) {
      await node.cli('CLUSTER', 'SETSLOT', slot, 'NODE', to);
    }
    return target;
  }

  /** Waits until every node that answers says that all slots are served, and by the same masters, all among them. */
  settle(): Promise<void> {
    return settled(this.nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
  }

  async #masters(): Promise<readonly RedisServer[]> {
    const running = this.nodes.filter((node) => node.running && !node.paused);
    const roles = await Promise.all(running.map((node) => node.info('role')));
    return running.filter((_node, index) => roles[index] === 'master');
  }
}

/** @throws with the log of a node that did not come up, or with what `redis-cli --cluster create` had to say */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  await using made = new AsyncDisposableStack();
  const { password, replicas = 0, appendonly, config = [] } = options;
  const nodes: RedisServer[] = [];
  for (let index = 0; index < MASTERS * (1 + replicas); index += 1) {
    const bus = made.use(await reservePort());
    nodes.push(
      made.use(
        await startRedis({
          ...(password === undefined ? {} : { password }),
          ...(appendonly === undefined ? {} : { appendonly }),
          config: [
            'cluster-enabled yes',
            `cluster-port ${bus.port}`,
            `cluster-node-timeout ${NODE_TIMEOUT_MS}`,
            ...config,
          ],
        }),
      ),
    );
  }
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const args = ['--cluster', 'create', ...hosts, '--cluster-replicas', String(replicas), '--cluster-yes'];
  const env = { ...process.env, ...(password === undefined ? {} : { REDISCLI_AUTH: password }) };
  await promisify(execFile)('redis-cli', args, { env, timeout: CREATE_MS, killSignal: 'SIGKILL' });
  await settled(nodes);
  const release = made.move();
  return new RedisCluster(nodes, options, () => release.disposeAsync());
}

function settled(nodes: readonly RedisServer[]): Promise<void> {
  return within(SETTLE_MS, async () => {
    const views = new Set<string>();
    const running = nodes.filter((node) => node.running && !node.paused);
    for (const node of running) {
      const state = /cluster_state:(\w+)/.exec(await node.cli('CLUSTER', 'INFO'))?.[1];
      if (state !== 'ok') throw new Error(`node ${node.port} says ${state}; its log:\n${node.log}`);
      const slots = await slotsOf(node);
      const dead = slots.find((range) => !running.some(({ port }) => port === range.port));
      if (dead !== undefined) throw new Error(`node ${node.port} still takes ${dead.port} for an owner`);
      views.add(JSON.stringify(slots));
    }
    if (views.size !== 1) throw new Error(`the nodes disagree: ${[...views].join(' / ')}`);
  });
}

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly port: number;
}

/** `CLUSTER NODES`: `id host:port@bus flags master ping pong epoch link slot slot-slot [migrating]`, a line a node. */
async function slotsOf(node: RedisServer): Promise<readonly SlotRange[]> {
  const lines = (await node.cli('CLUSTER', 'NODES')).split('\n');
  return lines
    .flatMap((line) => {
      const [, address = '', flags = '', , , , , , ...slots] = line.split(' ');
      const port = Number(/:(\d+)@/.exec(address)?.[1]);
      if (!flags.includes('master')) return [];
      return slots
        .filter((text) => /^\d+(-\d+)?$/.test(text))
        .map((text) => {
          const [from = Number.NaN, to = from] = text.split('-').map(Number);
          return { from, to, port };
        });
    })
    .toSorted((one, other) => one.from - other.from);
}
