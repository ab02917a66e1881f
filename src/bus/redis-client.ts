import type { Socket } from 'node:net';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { type Clock, sleep } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import { isConsequence } from './redis-fault.ts';
import type { RedisAddress, RedisTarget } from './redis-url.ts';
import { mendStringPrototype } from './string-prototype.ts';

export type { Redis };

mendStringPrototype();

/** PEM, and the name to expect. */
export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

export interface RedisSettings {
  readonly target: RedisTarget;
  readonly tls: RedisTls;
  /** Begins every key and channel. */
  readonly prefix: string;
}

export interface ClientParts {
  readonly clock: Clock;
  readonly random: Random;
}

const CONNECT_MS = 2000;
/** A command without an answer for so long has an unknown fate, and its connection is given up. */
const COMMAND_MS = 3000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2000;
/** How long a peer has to close before its socket is destroyed; a half-open one never does. */
const DISCONNECT_MS = 50;
const TCP_KEEPALIVE_MS = 10_000;

/**
 * One connection to the server that holds the log: the server itself, the master that the sentinels name, or the
 * owner of the prefix's hash slot. It reconnects without limit and asks anew where to each time. It never sends a
 * command twice by itself, since nobody else could tell whether the first one counted.
 */
export function createRedisClient(settings: RedisSettings, parts: ClientParts): Redis {
  const redis = create(settings, parts);
  redis.on('error', (error: Error) => {
    // It would go on in database 0 otherwise, where another program may have its keys.
    if ('command' in error && isSelect(error.command)) redis.disconnect(true);
  });
  return redis;
}

function isSelect(command: unknown): boolean {
  return typeof command === 'object' && command !== null && 'name' in command && command.name === 'select';
}

function create({ target, tls, prefix }: RedisSettings, { clock, random }: ClientParts): Redis {
  const { addresses, sentinel } = target;
  const common = commonOptions(target, tls, random);
  if (target.kind === 'cluster') {
    return new Redis({ ...common, Connector: slotOwnerConnector(addresses, prefix, common, clock) });
  }
  if (sentinel === undefined) return new Redis({ ...common, ...address(addresses) });
  return new Redis({
    ...common,
    sentinels: [...addresses],
    name: sentinel.master,
    ...(sentinel.username === undefined ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(tls) } : {}),
    // A connector that gives up ends its client for good.
    sentinelRetryStrategy: common.retryStrategy,
    sentinelCommandTimeout: CONNECT_MS,
  });
}

type CommonOptions = ReturnType<typeof commonOptions>;

function commonOptions(
  { database: db, username, password, tls: secure }: RedisTarget,
  tls: RedisTls,
  random: Random,
) {
  return {
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(secure ? { tls: tlsOptions(tls) } : {}),
    protocol: 2 as const,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // The link subscribes by itself. The client would too, with nobody to take the failure when the connection is lost
    // again before the reply: an unhandled rejection, which ends the process.
    autoResubscribe: false,
    // Commands under way when a connection ends are rejected there and then.
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_MS,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: DISCONNECT_MS,
    keepAlive: TCP_KEEPALIVE_MS,
    disableClientInfo: true,
    // A master that has become a replica, a slot that has moved: where it is now is asked when connecting. A cluster that
    // is down says so on every connection, so a new one would be of no use.
    reconnectOnError: ({ message }: Error) => /^(READONLY|MOVED|MASTERDOWN)/.test(message),
    retryStrategy: (times: number) =>
      Math.min(RETRY_MIN_MS * 2 ** Math.min(times, 10), RETRY_MAX_MS) * (0.5 + random() / 2),
  } satisfies RedisOptions;
}

function address([first]: readonly RedisAddress[]): { host?: string; port?: number } {
  return first === undefined ? {} : { host: first.host, port: first.port };
}

function tlsOptions({ ca, cert, key, serverName }: RedisTls): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/**
 * All keys of a gateway are in one slot, so a cluster is a server whose address has to be asked for. That keeps one
 * kind of connection, with one set of rules for order and repetition, for every kind of Redis.
 */
function slotOwnerConnector(
  nodes: readonly RedisAddress[],
  key: string,
  common: CommonOptions,
  clock: Clock,
) {
  return class SlotOwnerConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS);
    }

    async connect(emit: (type: string, error: Error) => void): Promise<Socket> {
      this.connecting = true;
      const { host, port } = await this.#owner(emit);
      const tls = 'tls' in common ? common.tls : undefined;
      this.stream = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tls });
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }

    /** Without limit: a connector that gives up ends its client for good. */
    async #owner(emit: (type: string, error: Error) => void): Promise<RedisAddress> {
      for (let times = 1; ; times++) {
        const owner = await slotOwner(nodes, key, common);
        if (!this.connecting) throw new Error('Connection is closed.');
        if (!(owner instanceof Error)) return owner;
        emit('error', owner);
        await sleep(clock, common.retryStrategy(times));
      }
    }
  };
}

async function slotOwner(
  nodes: readonly RedisAddress[],
  key: string,
  common: CommonOptions,
): Promise<RedisAddress | Error> {
  let failure = new Error('no node of the cluster knows who owns the slot');
  for (const { host, port } of nodes) {
    const client = new Redis({ ...common, host, port, enableReadyCheck: false, retryStrategy: null });
    client.on('error', (error) => {
      if (!isConsequence(error)) failure = error;
    });
    try {
      await client.connect();
      const slot = Number(await client.cluster('KEYSLOT', key));
      const owner = ownerOf(await client.cluster('SLOTS'), slot);
      // A node that does not know its own address leaves it empty: it is the one that was asked.
      if (owner !== undefined) return { host: owner.host || host, port: owner.port };
    } catch (error) {
      if (error instanceof Error && !isConsequence(error)) failure = error;
    } finally {
      client.disconnect();
    }
  }
  return failure;
}

/** CLUSTER SLOTS: `[first, last, [host, port, …] of the master, …replicas]` for each range. */
function ownerOf(ranges: unknown, slot: number): RedisAddress | undefined {
  if (!Array.isArray(ranges)) return undefined;
  for (const range of ranges) {
    if (!Array.isArray(range)) continue;
    const [first, last, master]: readonly unknown[] = range;
    if (!Array.isArray(master) || slot < Number(first) || slot > Number(last)) continue;
    return { host: String(master[0] ?? ''), port: Number(master[1]) };
  }
  return undefined;
}
