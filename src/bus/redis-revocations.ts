import { randomBytes } from 'node:crypto';
import { sleep, type Timer } from '../core/clock.ts';
import { REVOCATIONS_MAX, type Revocation, widened } from '../core/revocation.ts';
import { BusError } from './bus-error.ts';
import type { LinkParts, RedisLink } from './redis-link.ts';
import { NO_VERSION, parseKept, parseRevocationMessage } from './revocation-message.ts';
import type { Once, PutOutcome, RevocationFollower, RevocationStore } from './revocation-store.ts';
import { REVOKE } from './scripts.ts';

/** A message that was lost is found within this and `UNDER_WAY_MS`, however it was lost: twice in the second promised. */
const CHECK_MS = 487;
/** The message of a change that is in Redis already may still be on its way. */
const UNDER_WAY_MS = 100;
/**
 * Everything is read again also when nothing seems to have changed: a hash that Redis has thrown away without its version,
 * or a clock that was wrong for a while, would be noticed by nobody.
 */
const READ_AGAIN_MS = 600_011;
/** The dead leave Redis also when nothing more is revoked. */
const CLEAR_MS = 61_001;
const PAGE_ENTRIES = 1_000;
const GIVEN_BACK_AT_ONCE = 500;
/** Every gateway notices that Redis has lost some; they do not all give them back in the same moment. */
const GIVE_BACK_SPREAD_MS = 500;
const VERSION_BYTES = 12;

export interface RedisRevocationsOptions {
  // For tests.
  readonly max?: number;
  readonly readAgainMs?: number;
}

/**
 * Revocations in Redis: told through a channel, checked by a version that changes with every change.
 *
 * Pub/sub alone would lose what is told while a connection is down. So each message names the version before it, and
 * twice a second the version in Redis is compared with that of the last message: where they differ, everything is read
 * again. A version that nobody has heard of may also mean that Redis has lost some (flushed, restored, failed over).
 * Then every gateway gives back what it still has: a revocation is lost only with Redis and all gateways.
 */
export class RedisRevocations implements RevocationStore {
  readonly #link: RedisLink;
  readonly #parts: LinkParts;
  readonly #max: number;
  #follower: RevocationFollower | undefined;
  /** Of everything that the follower has. */
  #version: string | undefined;
  /** What was heard while something was read: from each version to the next. */
  #heard: Map<string, string> | undefined;
  #checking = false;
  #knownAtMs: number;
  #readAtMs = 0;
  readonly #readAgainMs: number;
  #timers: readonly Timer[] = [];
  #isFull = false;

  /** To be made before the link is started. */
  constructor(
    link: RedisLink,
    parts: LinkParts,
    { max = REVOCATIONS_MAX, readAgainMs = READ_AGAIN_MS }: RedisRevocationsOptions = {},
  ) {
    this.#readAgainMs = readAgainMs;
    this.#link = link;
    this.#parts = parts;
    this.#max = max;
    this.#knownAtMs = parts.clock.monotonicMs();
    link.subscribe(link.keys.revoked, (message) => this.#receive(message.toString()));
    link.onUp(() => void this.#check());
  }

  async put(revocations: readonly Revocation[], once?: Once): Promise<PutOutcome> {
    const outcome = await this.#run('new', revocations, once);
    if (outcome === 'dead') {
      this.#parts.log.error('nothing can be revoked: the clock of Redis is ahead by more than tokens live');
      throw new BusError('the clocks of this process and of Redis differ by too much');
    }
    // Its message comes too, but whoever asked may count on this process from now on.
    if (outcome === 'stored') this.#follower?.take(revocations);
    return outcome;
  }

  async follow(follower: RevocationFollower): Promise<void> {
    const { clock } = this.#parts;
    this.#follower = follower;
    await this.#alone(() => this.#read(follower));
    this.#timers = [
      clock.every(CHECK_MS, () => void this.#check()),
      clock.every(CLEAR_MS, () => void this.#run('back', []).catch(() => {})),
    ];
  }

  ageMs(): number {
    return this.#parts.clock.monotonicMs() - this.#knownAtMs;
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#follower = undefined;
  }

  #receive(text: string): void {
    const message = parseRevocationMessage(text);
    if (message === undefined)
      return this.#parts.log.warn('a message on the channel of revocations is not ours');
    this.#heard?.set(message.previous, message.version);
    if (this.#version === message.previous) this.#version = message.version;
    this.#follower?.take(message.revocations);
  }

  async #check(): Promise<void> {
    const follower = this.#follower;
    if (follower === undefined || this.#checking) return;
    try {
      await this.#alone(async () => {
        const sinceMs = this.#parts.clock.monotonicMs();
        const heard = this.#listen();
        const before = this.#version;
        const version = await this.#currentVersion();
        // It, or what followed it in the meantime.
        const isKnown = () => before !== undefined && after(before, heard).includes(version);
        if (!isKnown()) await sleep(this.#parts.clock, UNDER_WAY_MS);
        if (isKnown()) this.#knownAtMs = sinceMs;
        if (!isKnown() || sinceMs - this.#readAtMs >= this.#readAgainMs) await this.#read(follower);
      });
    } catch (error) {
      // The link reports it; the next check finds what is missing.
      this.#parts.log.debug('revocations not checked', { error });
    }
  }

  async #alone(action: () => Promise<void>): Promise<void> {
    this.#checking = true;
    try {
      await action();
    } finally {
      this.#heard = undefined;
      this.#checking = false;
    }
  }

  #listen(): Map<string, string> {
    this.#heard = new Map();
    return this.#heard;
  }

  /** Everything, page by page. What comes meanwhile is heard, so that the version is right at the end. */
  async #read(follower: RevocationFollower): Promise<void> {
    const sinceMs = this.#parts.clock.monotonicMs();
    const heard = this.#listen();
    const version = await this.#currentVersion();
    const kept = new Map<string, Revocation>();
    let cursor = '0';
    do {
      const [next, fields] = await this.#link.ask((redis) =>
        redis.hscan(this.#link.keys.revocations, cursor, 'COUNT', PAGE_ENTRIES),
      );
      const page = pairs(fields);
      for (const each of page) kept.set(each.key, each);
      follower.take(page);
      cursor = next;
    } while (cursor !== '0');
    await this.#giveBack(follower, kept);
    this.#version = after(version, heard).at(-1);
    this.#knownAtMs = sinceMs;
    this.#readAtMs = sinceMs;
  }

  async #giveBack(follower: RevocationFollower, kept: ReadonlyMap<string, Revocation>): Promise<void> {
    const lost = follower.all().filter((each) => widened(kept.get(each.key), each) !== undefined);
    if (lost.length === 0) return;
    const { clock, log, random } = this.#parts;
    await sleep(clock, random() * GIVE_BACK_SPREAD_MS);
    for (let i = 0; i < lost.length; i += GIVEN_BACK_AT_ONCE) {
      const outcome = await this.#run('back', lost.slice(i, i + GIVEN_BACK_AT_ONCE));
      if (outcome !== 'full') continue;
      if (!this.#isFull)
        log.error('revocations that Redis lost can not be given back: it holds as many as it may');
      this.#isFull = true;
      return;
    }
    this.#isFull = false;
    log.info('revocations that Redis did not have were given back', { count: lost.length });
  }

  async #run(
    which: 'new' | 'back',
    revocations: readonly Revocation[],
    once?: Once,
  ): Promise<PutOutcome | 'dead'> {
    const { keys, publishCommand } = this.#link;
    const outcome = await this.#link.run(
      REVOKE,
      [
        keys.revocations,
        keys.revocationsExpiry,
        keys.revocationsVersion,
        keys.revoked,
        ...(once === undefined ? [] : [keys.logout(once.key)]),
      ],
      [
        randomBytes(VERSION_BYTES).toString('base64url'),
        this.#max,
        publishCommand,
        once?.forMs ?? 0,
        which,
        once?.mark ?? '',
        ...revocations.flatMap(({ key, before, expiresAt }) => [key, before, expiresAt]),
      ],
    );
    return outcome === 'repeated' || outcome === 'full' || outcome === 'dead' ? outcome : 'stored';
  }

  async #currentVersion(): Promise<string> {
    return (await this.#link.ask((redis) => redis.get(this.#link.keys.revocationsVersion))) ?? NO_VERSION;
  }
}

/** HSCAN's reply, names and values in turn; what is not ours is left out. */
function pairs(fields: readonly string[]): readonly Revocation[] {
  return fields.flatMap((key, i) => (i % 2 === 0 ? (parseKept(key, fields[i + 1] ?? '') ?? []) : []));
}

/** This version and those that were heard to follow it, in order. They are random, so none comes twice. */
function after(version: string, heard: ReadonlyMap<string, string>): readonly string[] {
  const versions = [version];
  let next = heard.get(version);
  // Somebody may tell of a circle, which has no end.
  while (next !== undefined && versions.length <= heard.size) {
    versions.push(next);
    next = heard.get(next);
  }
  return versions;
}
