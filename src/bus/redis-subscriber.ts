import { randomBytes } from 'node:crypto';
import { sleep, type Timer } from '../core/clock.ts';
import { compareEventIds, type EventId, ORIGIN } from '../core/event-id.ts';
import type { BusHealth, Follower, Following, Health, Page, Subscriber, WarmUp } from './bus.ts';
import { type LiveMessage, parseLiveMessage } from './live-message.ts';
import type { LinkParts, RedisLink } from './redis-link.ts';
import { RedisLog } from './redis-log.ts';
import { PROBE } from './scripts.ts';

/** A probe is due when none has come for so long; a little more at random, so that one gateway of many sends it. */
const PROBE_MS = 1000;
const PROBE_SPREAD_MS = 300;
const LOOK_MS = 97;
/** Nothing has come for so long: whatever the connections look like, they are of no use. */
const SILENT_MS = 2200;
const PAGE_EVENTS = 1000;
const RETRY_MS = 200;
const NONCE_BYTES = 9;
/** Probes that did not arrive; their times are of no use then. */
const PROBES_MAX = 64;

/**
 * The live channel, made whole: every event once and in order.
 *
 * An event whose `previous` is the last one is delivered as it comes. One whose `previous` is later shows a hole, which
 * is filled from the log before anything else is delivered. One whose `previous` is earlier shows that the log no
 * longer has the last one: it is delivered, and whoever follows sees the loss by the same sign. Since nothing shows a
 * hole at the end, a probe tells about once a second where the log ends; that it arrives is also the only proof that
 * the live channel works.
 */
export class RedisSubscriber implements Subscriber, BusHealth {
  readonly #link: RedisLink;
  readonly #log: RedisLog;
  readonly #parts: LinkParts;
  readonly #probesSent = new Map<string, number>();
  #follower: Follower | undefined;
  #last: EventId = ORIGIN;
  #generation: string | undefined;
  /** As far as the log is known to go. */
  #known: EventId = ORIGIN;
  #filling = false;
  /** The log has lost events, of which the follower is told when it has been given what is left. */
  #lossUntold = false;
  #heardAtMs: number;
  /** Since `#heardAtMs`. The clock is read at each look instead of at each message, so silence is noticed that much later. */
  #heard = false;
  #probedAtMs = 0;
  #resetAtMs: number;
  #probeDueMs = PROBE_MS;
  #timer: Timer | undefined;

  /** To be made before the link is started. */
  constructor(link: RedisLink, parts: LinkParts) {
    this.#link = link;
    this.#log = new RedisLog(link);
    this.#parts = parts;
    this.#heardAtMs = parts.clock.monotonicMs() - SILENT_MS;
    this.#resetAtMs = parts.clock.monotonicMs();
    link.subscribe(link.keys.live, (message) => this.#receive(message));
    link.onUp(() => void this.#probe());
  }

  async follow(follower: Follower, warm: WarmUp = { eventsMax: 0, bytesMax: 0 }): Promise<Following> {
    const head = await this.#log.head();
    const tail = await this.#log.tail(warm);
    this.#last = tail[0]?.previous ?? head;
    this.#known = this.#last;
    follower.begin(this.#last);
    this.#follower = follower;
    for (const event of tail) this.#deliver(event);
    await this.#fill();
    this.#timer ??= this.#parts.clock.every(LOOK_MS, () => this.#look());
    this.#resetAtMs = this.#parts.clock.monotonicMs();
    void this.#probe();
    return {
      stop: () => {
        if (this.#follower === follower) this.#follower = undefined;
      },
    };
  }

  read(after: EventId, max: number): Promise<Page> {
    return this.#log.read(after, max);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#follower = undefined;
  }

  /** By what has been heard, not by what the connections say of themselves. */
  health(): Health {
    const nowMs = this.#parts.clock.monotonicMs();
    const forMs = nowMs - this.#heardUpTo(nowMs);
    if (forMs < SILENT_MS) return { connected: true };
    return {
      connected: false,
      reason: this.#link.fault || 'nothing is heard through the live channel',
      forMs,
    };
  }

  #receive(bytes: Buffer): void {
    const message = parseLiveMessage(bytes);
    if (message === undefined) return this.#parts.log.warn('a message on the live channel is not ours');
    this.#heard = true;
    if (this.#follower === undefined) return void this.#heardUpTo(this.#parts.clock.monotonicMs());
    if (message.kind === 'probe') return this.#probed(message);
    const { event } = message;
    if (compareEventIds(event.id, this.#last) <= 0) return;
    if (!this.#filling && compareEventIds(event.previous, this.#last) <= 0) return this.#deliver(event);
    this.#learn(event.id);
  }

  #deliver(event: Extract<LiveMessage, { kind: 'event' }>['event']): void {
    this.#last = event.id;
    this.#follower?.event(event);
  }

  #probed({ nonce, head, generation }: Extract<LiveMessage, { kind: 'probe' }>): void {
    const { clock, observer, random } = this.#parts;
    const nowMs = clock.monotonicMs();
    const sentAtMs = this.#probesSent.get(nonce);
    if (sentAtMs !== undefined) {
      observer.probed(nowMs - sentAtMs);
      this.#probesSent.clear();
    }
    this.#probedAtMs = nowMs;
    this.#probeDueMs = PROBE_MS + random() * PROBE_SPREAD_MS;
    this.#lossUntold ||= this.#generation !== undefined && this.#generation !== generation;
    this.#generation = generation;
    if (this.#lossUntold) void this.#fill();
    this.#learn(head);
  }

  /** The log goes as far as this; what lies between is fetched. */
  #learn(head: EventId): void {
    if (compareEventIds(head, this.#known) > 0) this.#known = head;
    if (compareEventIds(head, this.#last) > 0) void this.#fill();
  }

  /** What the log has after the last one, until there is no more that is known of. */
  async #fill(): Promise<void> {
    if (this.#filling) return;
    this.#filling = true;
    try {
      while (this.#follower !== undefined) {
        try {
          const { events, head } = await this.#log.read(this.#last, PAGE_EVENTS);
          for (const event of events) this.#deliver(event);
          if (events.length > 0) this.#parts.observer.backfilled(events.length);
          // Known of, but not there any more.
          else if (compareEventIds(head, this.#last) > 0) this.#lost(head);
          else if (compareEventIds(this.#known, this.#last) <= 0 || compareEventIds(head, this.#last) < 0)
            return;
          else this.#known = head;
        } catch {
          // The link reports it; when it is up again this goes on.
          await sleep(this.#parts.clock, RETRY_MS);
        }
      }
    } finally {
      this.#filling = false;
      // After what there still was: it may be earlier than where the log has been raised to.
      if (this.#lossUntold) this.#follower?.lost(this.#last);
      this.#lossUntold = false;
    }
  }

  #lost(head: EventId): void {
    if (compareEventIds(head, this.#last) > 0) this.#last = head;
    this.#follower?.lost(this.#last);
  }

  /** When something was last heard. */
  #heardUpTo(nowMs: number): number {
    if (this.#heard) this.#heardAtMs = nowMs;
    this.#heard = false;
    return this.#heardAtMs;
  }

  #look(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - Math.max(this.#heardUpTo(nowMs), this.#resetAtMs) > SILENT_MS) {
      this.#resetAtMs = nowMs;
      this.#link.reset('both');
      return;
    }
    if (nowMs - this.#probedAtMs > this.#probeDueMs) {
      this.#probedAtMs = nowMs;
      void this.#probe();
    }
  }

  async #probe(): Promise<void> {
    if (this.#follower === undefined) return;
    const { clock } = this.#parts;
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    const { log, head, generation, live } = this.#link.keys;
    if (this.#probesSent.size >= PROBES_MAX) this.#probesSent.clear();
    this.#probesSent.set(nonce, clock.monotonicMs());
    try {
      await this.#link.run(
        PROBE,
        [log, head, generation, live],
        [nonce, this.#last, this.#link.publishCommand],
      );
    } catch {
      // That it does not arrive is what tells of it.
      this.#probesSent.delete(nonce);
    }
  }
}
