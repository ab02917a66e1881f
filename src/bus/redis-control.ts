import { hash, randomBytes } from 'node:crypto';
import type { Timer } from '../core/clock.ts';
import type { Control, ControlReply } from './control.ts';
import type { LinkParts, RedisLink } from './redis-link.ts';

/** A process that has not renewed its lease for so long is dead. */
const LEASE_S = 10;
const RENEW_MS = 3001;
const REPLY_MS = 1000;
/** Who holds what outlives a crash no longer than this; renewed well before. */
const HOLDERS_EXPIRE_S = 7200;
const HOLDERS_RENEW_MS = 1_800_000;
const HOLDERS_AT_ONCE = 500;
/** Who holds what is told so often at most: a write for each of thousands that come at once costs more than they do. */
const TELL_MS = 5;
/** Beyond it a name stays registered until it expires: others ask in vain, and are told so. */
const UNRELEASED_MAX = 100_000;
const CORRELATION_BYTES = 9;
/** Questions of this process that wait for a reply; the product's own limits are far below. */
const WAITING_MAX = 10_000;

/** A control message: a question names where its reply goes. `KIND CORRELATION FROM TEXT` */
const FORM = /^([?!]) ([-\w]+) ([-.\w]+) (.*)$/s;

/** Questions and replies through one channel a process; leases that tell who is there and who holds what. */
export class RedisControl implements Control {
  readonly pod: string;
  readonly #link: RedisLink;
  readonly #parts: LinkParts;
  readonly #waiting = new Map<string, (text: string) => void>();
  readonly #held = new Set<string>();
  /** Not held any more, which Redis could not be told. */
  readonly #unreleased = new Set<string>();
  /** Of which Redis is to be told what is held by then. */
  #untold = new Set<string>();
  #telling: Timer | undefined;
  #stopped = false;
  readonly #timers: readonly Timer[];
  #reply: (question: string) => Promise<string> = () => Promise.reject(new Error('nobody replies yet'));

  /** To be made before the link is started. */
  constructor(link: RedisLink, parts: LinkParts, pod: string) {
    this.pod = pod;
    this.#link = link;
    this.#parts = parts;
    link.subscribe(link.keys.control(pod), (message) => this.#receive(message.toString()));
    link.onUp(() => void this.#registerAll());
    this.#timers = [
      parts.clock.every(RENEW_MS, () => void this.#quietly(() => this.#renew())),
      parts.clock.every(HOLDERS_RENEW_MS, () => void this.#registerAll()),
    ];
  }

  async ask(pod: string, question: string): Promise<ControlReply> {
    const correlation = randomBytes(CORRELATION_BYTES).toString('base64url');
    if (this.#waiting.size >= WAITING_MAX) return { kind: 'silent' };
    const reply = new Promise<ControlReply>((resolve) => {
      const late = this.#parts.clock.after(REPLY_MS, () => resolve({ kind: 'silent' }));
      this.#waiting.set(correlation, (text) => {
        late.cancel();
        resolve({ kind: 'reply', text });
      });
    });
    try {
      const heard = await this.#send(pod, `? ${correlation} ${this.pod} ${question}`);
      // Nobody listens: it is gone, or it has lost its connection for a moment.
      if (heard === 0 && !(await this.#isRegistered(pod))) return { kind: 'unregistered' };
      const outcome = await reply;
      // The connection of one whose machine has gone looks open for minutes, but its lease is not renewed.
      const isGone = outcome.kind === 'silent' && !(await this.#isRegistered(pod));
      return isGone ? { kind: 'unregistered' } : outcome;
    } finally {
      this.#waiting.delete(correlation);
    }
  }

  onQuestion(reply: (question: string) => Promise<string>): void {
    this.#reply = reply;
  }

  hold(name: string, held: boolean): void {
    const hashed = hashOf(name);
    if (held) this.#held.add(hashed);
    else this.#held.delete(hashed);
    this.#untold.add(hashed);
    this.#telling ??= this.#parts.clock.after(TELL_MS, () => void this.#quietly(() => this.#tell()));
  }

  async holders(name: string): Promise<readonly string[]> {
    const key = this.#link.keys.holders(hashOf(name));
    const pods = await this.#link.ask((redis) => redis.smembers(key));
    const alive = await Promise.all(pods.map((pod) => pod === this.pod || this.#isRegistered(pod)));
    const dead = pods.filter((_, i) => alive[i] === false);
    if (dead.length > 0) await this.#link.ask((redis) => redis.srem(key, ...dead));
    return pods.filter((_, i) => alive[i]);
  }

  /** Nothing is asked of this process any more; its leases go with it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#quietly(() => this.#tell());
    await this.#quietly(() => this.#link.ask((redis) => redis.del(this.#link.keys.pod(this.pod))));
  }

  async #receive(message: string): Promise<void> {
    const [, kind, correlation = '', from = '', text = ''] = FORM.exec(message) ?? [];
    if (kind === '!') return this.#waiting.get(correlation)?.(text);
    if (kind !== '?') return this.#parts.log.warn('a message on the control channel is not ours');
    await this.#quietly(async () => {
      const reply = await this.#reply(text);
      await this.#send(from, `! ${correlation} ${this.pod} ${reply}`);
    });
  }

  /** @returns how many connections got it, as far as the server knows */
  async #send(pod: string, message: string): Promise<number> {
    const channel = this.#link.keys.control(pod);
    const heard = await this.#link.ask((redis) => redis.call(this.#link.publishCommand, channel, message));
    return Number(heard);
  }

  async #isRegistered(pod: string): Promise<boolean> {
    return (await this.#link.ask((redis) => redis.exists(this.#link.keys.pod(pod)))) === 1;
  }

  async #tell(): Promise<void> {
    this.#telling?.cancel();
    this.#telling = undefined;
    const changed = this.#untold;
    this.#untold = new Set();
    // All of it is on its way when this returns, so that no later word can be overtaken by an earlier one.
    const told = Array.from(batches(changed), (some) => [
      this.#register(some.filter((name) => this.#held.has(name))),
      this.#release(some),
    ]);
    await Promise.all(told.flat());
  }

  /** After every connection: Redis may have forgotten, or have been away when there was something to tell. */
  async #registerAll(): Promise<void> {
    await this.#quietly(async () => {
      await this.#setLease();
      for (const some of batches(this.#held))
        await this.#register(some.filter((name) => this.#held.has(name)));
      for (const some of batches(this.#unreleased)) await this.#release(some);
    });
  }

  /** A lease that is gone has expired, or Redis has lost its data: then others may have dropped this process too. */
  async #renew(): Promise<void> {
    const key = this.#link.keys.pod(this.pod);
    const renewed = await this.#link.ask((redis) => redis.set(key, '', 'EX', LEASE_S, 'XX'));
    if (renewed === null) await this.#registerAll();
  }

  async #setLease(): Promise<void> {
    if (this.#stopped) return;
    await this.#link.ask((redis) => redis.set(this.#link.keys.pod(this.pod), '', 'EX', LEASE_S));
  }

  async #register(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return;
    for (const hash of hashes) this.#unreleased.delete(hash);
    await this.#link.ask((redis) => {
      const pipeline = redis.pipeline();
      for (const key of hashes.map((hash) => this.#link.keys.holders(hash))) {
        pipeline.sadd(key, this.pod).expire(key, HOLDERS_EXPIRE_S);
      }
      return succeeded(pipeline.exec());
    });
  }

  async #release(hashes: readonly string[]): Promise<void> {
    const released = hashes.filter((hash) => !this.#held.has(hash));
    if (released.length === 0) return;
    for (const hash of released) {
      if (this.#unreleased.size < UNRELEASED_MAX) this.#unreleased.add(hash);
    }
    await this.#link.ask((redis) => {
      const pipeline = redis.pipeline();
      for (const hash of released) pipeline.srem(this.#link.keys.holders(hash), this.pod);
      return succeeded(pipeline.exec());
    });
    for (const hash of released) this.#unreleased.delete(hash);
  }

  /** What fails here is made up for when the link is up again, or is told by a reply that does not come. */
  async #quietly(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#parts.log.debug('control message not sent', { error });
    }
  }
}

/** A pipeline resolves whatever became of its commands. */
async function succeeded(executed: Promise<[error: Error | null, result: unknown][] | null>): Promise<void> {
  for (const [error] of (await executed) ?? []) if (error !== null) throw error;
}

function* batches(names: Iterable<string>): Generator<readonly string[]> {
  const all = [...names];
  for (let i = 0; i < all.length; i += HOLDERS_AT_ONCE) yield all.slice(i, i + HOLDERS_AT_ONCE);
}

/** A subject is somebody's name: Redis sees its hash. */
function hashOf(name: string): string {
  return hash('sha256', name, 'base64url');
}
