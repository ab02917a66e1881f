import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { jitter, type Random } from '../core/random.ts';
import { BusError } from './bus-error.ts';
import { createKeys, type Keys } from './keys.ts';
import type { BusObserver } from './observer.ts';
import { createRedisClient, type Redis, type RedisSettings } from './redis-client.ts';
import { faultOf, isConsequence } from './redis-fault.ts';
import type { Script } from './scripts.ts';

export interface LinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: BusObserver;
}

/** How long to wait when nobody could say where the server is. */
const ASK_AGAIN_MS = 300;

/** What one call of a pipeline came to. */
export type CallResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Error };

/**
 * A process's two connections to Redis: one for commands, one for subscriptions. Both reconnect by themselves; whoever
 * notices that one has become useless calls `reset`. Commands fail at once while there is no connection.
 */
export class RedisLink {
  readonly keys: Keys;
  readonly #parts: LinkParts;
  readonly #listeners = new Map<string, (message: Buffer) => void>();
  readonly #upListeners = new Set<() => void>();
  #settings: RedisSettings;
  #commands: Redis;
  #subscriber: Redis;
  /** Connections that are being closed. */
  readonly #givenUp = new WeakSet<Redis>();
  #subscribed = false;
  #stopped = false;
  /** Why the last attempt failed: the first word of what Redis said, or the system's code. */
  #fault = '';

  constructor(settings: RedisSettings, parts: LinkParts) {
    this.keys = createKeys(settings.prefix);
    this.#parts = parts;
    this.#settings = settings;
    this.#commands = this.#createCommands();
    this.#subscriber = this.#createSubscriber();
  }

  /** Sharded in a cluster, where a message should not travel to all nodes (Redis 7.0). */
  get publishCommand(): 'PUBLISH' | 'SPUBLISH' {
    return this.#settings.target.kind === 'cluster' ? 'SPUBLISH' : 'PUBLISH';
  }

  get up(): boolean {
    return this.#commands.status === 'ready' && this.#subscribed;
  }

  get fault(): string {
    return this.#fault;
  }

  start(): void {
    for (const redis of [this.#commands, this.#subscriber]) connect(redis);
  }

  /** Calls `listener` with every message of the channel, from the next `up` on. To be called before `start`. Its bytes share
   * memory with whatever else was read, so what keeps them copies them. */
  subscribe(channel: string, listener: (message: Buffer) => void): void {
    this.#listeners.set(channel, listener);
  }

  /** Calls `listener` whenever both connections have come up: what was published in between has been missed. */
  onUp(listener: () => void): void {
    this.#upListeners.add(listener);
  }

  /** @throws BusError its `cause` is what Redis or the system said */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#commands.evalsha(script.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isReply(error, 'NOSCRIPT')) throw this.#unavailable(error);
    }
    return this.#ask((redis) => redis.eval(script.lua, keys.length, ...keys, ...args));
  }

  /** Calls of one loaded script, in order and in one write. Rejects with BusError when nothing is known of any. */
  async runAll(
    { sha }: Script,
    calls: readonly { readonly keys: readonly string[]; readonly args: readonly (string | number)[] }[],
  ): Promise<readonly CallResult[]> {
    const pipeline = this.#commands.pipeline();
    for (const { keys, args } of calls) pipeline.evalsha(sha, keys.length, ...keys, ...args);
    const results = (await this.#ask(() => pipeline.exec())) ?? [];
    if (results.some(([error]) => isTimeout(error))) this.reset('commands');
    return results.map(([error, value]) => (error === null ? { ok: true, value } : { ok: false, error }));
  }

  /** @throws BusError */
  async load(scripts: readonly Script[]): Promise<void> {
    await this.#ask((redis) => Promise.all(scripts.map(({ lua }) => redis.script('LOAD', lua))));
  }

  /** Any other command. @throws BusError */
  ask<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply> {
    return this.#ask(command);
  }

  /** Gives up connections that are of no use any more, and makes new ones. */
  reset(which: 'commands' | 'both'): void {
    if (this.#stopped) return;
    this.#giveUp(this.#commands);
    if (which === 'both') this.#giveUp(this.#subscriber);
  }

  /** Once for each connection: every command that it fails asks for it. */
  #giveUp(redis: Redis): void {
    if (redis.status !== 'ready' || this.#givenUp.has(redis)) return;
    this.#givenUp.add(redis);
    redis.disconnect(true);
  }

  /** New credentials or addresses: what is under way fails, as when a connection is lost. The prefix stays. */
  replace(settings: RedisSettings): void {
    const old = [this.#commands, this.#subscriber];
    this.#settings = settings;
    this.#subscribed = false;
    this.#commands = this.#createCommands();
    this.#subscriber = this.#createSubscriber();
    for (const redis of old) redis.disconnect();
    this.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#subscribed = false;
    this.#commands.disconnect();
    this.#subscriber.disconnect();
  }

  #createCommands(): Redis {
    const redis = this.#create();
    redis.on('ready', () => this.#announce(redis));
    return redis;
  }

  #createSubscriber(): Redis {
    const redis = this.#create();
    const receive = (channel: Buffer, message: Buffer) => this.#listeners.get(channel.toString())?.(message);
    redis.on('messageBuffer', receive);
    redis.on('smessageBuffer', receive);
    redis.on('ready', () => void this.#subscribeAll(redis));
    redis.on('close', () => {
      if (redis === this.#subscriber) this.#subscribed = false;
    });
    return redis;
  }

  #create(): Redis {
    const redis = createRedisClient(this.#settings, this.#parts);
    redis.on('error', (error: Error) => this.#failed(error));
    redis.on('close', () => this.#givenUp.delete(redis));
    // It has not been told where to: no sentinel, or no node of the cluster, could say. The client itself ends there.
    redis.on('end', () => {
      const wanted = redis === this.#commands || redis === this.#subscriber;
      if (wanted && !this.#stopped)
        this.#parts.clock.after(jitter(ASK_AGAIN_MS, 0.5, this.#parts.random), () => connect(redis));
    });
    redis.on('reconnecting', () => this.#parts.observer.reconnected());
    return redis;
  }

  async #subscribeAll(redis: Redis): Promise<void> {
    const channels = [...this.#listeners.keys()];
    try {
      if (channels.length > 0) {
        await (this.publishCommand === 'SPUBLISH'
          ? redis.ssubscribe(...channels)
          : redis.subscribe(...channels));
      }
      if (redis !== this.#subscriber) return;
      this.#subscribed = true;
      this.#announce(redis);
    } catch (error) {
      this.#failed(error);
      redis.disconnect(true);
    }
  }

  #announce(redis: Redis): void {
    if (!this.up || (redis !== this.#commands && redis !== this.#subscriber)) return;
    if (this.#fault !== '') this.#parts.log.info('redis is back');
    this.#fault = '';
    for (const listener of this.#upListeners) listener();
  }

  /** Said once, not at every attempt. Without the message, which may hold an address or a user. */
  #failed(error: unknown): void {
    const fault = faultOf(error);
    if (fault === this.#fault || this.#stopped || (isConsequence(error) && this.#fault !== '')) return;
    this.#fault = fault;
    this.#parts.log.warn('redis is away', { code: fault });
  }

  async #ask<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply> {
    try {
      return await command(this.#commands);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(cause: unknown): BusError {
    if (isTimeout(cause)) this.reset('commands');
    if (cause instanceof Error && cause.name === 'ReplyError') this.#failed(cause);
    return new BusError('Redis can not be reached, or refused', { cause });
  }
}

/** What fails is tried again, and reported by the client's own events. */
function connect(redis: Redis): void {
  if (redis.status === 'wait' || redis.status === 'end') void redis.connect().catch(() => {});
}

/** The server has hung, or the connection is half open: every other command would wait as long. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
