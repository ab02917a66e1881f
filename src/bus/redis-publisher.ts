import { randomBytes } from 'node:crypto';
import { sleep } from '../core/clock.ts';
import type { Event } from '../core/event.ts';
import { type EventId, ORIGIN, parseEventId } from '../core/event-id.ts';
import { jitter } from '../core/random.ts';
import type { BusHealth, Health, Publisher } from './bus.ts';
import { BusError } from './bus-error.ts';
import { findMarks } from './find-marks.ts';
import { IDEMPOTENCY_MS } from './first-ids.ts';
import type { LogBounds } from './memory-bus.ts';
import { writeRecord } from './record.ts';
import type { CallResult, LinkParts, RedisLink } from './redis-link.ts';
import { APPEND, FENCE, SCRIPTS, TRIM } from './scripts.ts';

export interface PublisherSettings extends LogBounds {
  /** How long an event waits for a log that can't be reached. */
  readonly maxStallMs: number;
  /** Replicas that must have an event before it is acknowledged. */
  readonly waitReplicas: number;
}

/** Events of one write; more are under way at once, in order. */
const WRITE_EVENTS_MAX = 256;
const WRITER_BYTES = 9;
/** Far longer than any outage after which the same process goes on. */
const WRITER_EXPIRES_S = 86_400;
const RETRY_MS = 200;
const TRIM_MS = 1013;
const DEADLINE_MS = 100;
const WAIT_MS = 1000;

interface Unanswered {
  readonly mark: string;
  readonly record: string;
  readonly key: string | undefined;
  readonly untilMs: number;
  readonly resolve: (id: EventId) => void;
  readonly reject: (error: BusError) => void;
}

/**
 * Appends events in the order of the calls, each once, also when the connection fails while some are under way.
 *
 * Nobody knows of those whether they were appended. So after any failure it stops sending and begins a new *epoch*:
 * from there on Redis refuses what it sent before, wherever that still is on its way. Then it looks for its own marks
 * at the end of the log, answers what it finds, and sends the rest again.
 */
export class RedisPublisher implements Publisher, BusHealth {
  readonly #link: RedisLink;
  readonly #parts: LinkParts;
  readonly #settings: () => PublisherSettings;
  readonly #writer = randomBytes(WRITER_BYTES).toString('base64url');
  #state: 'recovering' | 'ready' | 'stopped' = 'recovering';
  #epoch = 0;
  #count = 0;
  /** Everything of this writer that is unanswered lies after it. */
  #answeredUpTo: EventId = ORIGIN;
  #waiting: Unanswered[] = [];
  #underWay = new Set<Unanswered>();
  #writes = 0;
  #flushing = false;
  #recovering: Promise<void> | undefined;
  #awaySinceMs: number;
  #readyAtMs = Number.NEGATIVE_INFINITY;
  readonly #timers: readonly { cancel(): void }[];

  constructor(link: RedisLink, parts: LinkParts, settings: () => PublisherSettings) {
    this.#link = link;
    this.#parts = parts;
    this.#settings = settings;
    this.#awaySinceMs = parts.clock.monotonicMs();
    link.onUp(() => this.#recover());
    this.#timers = [
      parts.clock.every(TRIM_MS, () => void this.#trim()),
      parts.clock.every(DEADLINE_MS, () => this.#rejectLate()),
    ];
  }

  publish(event: Event, idempotencyKey?: string): Promise<EventId> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'stopped') return reject(new BusError('the publisher has been stopped'));
      const untilMs = this.#parts.clock.monotonicMs() + this.#settings().maxStallMs;
      const mark = `${this.#writer}:${(++this.#count).toString(36)}`;
      this.#waiting.push({ mark, record: writeRecord(event), key: idempotencyKey, untilMs, resolve, reject });
      this.#flushSoon();
    });
  }

  health(): Health {
    if (this.#state === 'ready') return { connected: true };
    const forMs = this.#parts.clock.monotonicMs() - this.#awaySinceMs;
    return { connected: false, reason: this.#link.fault || 'the log can not be reached', forMs };
  }

  stop(): void {
    this.#state = 'stopped';
    for (const timer of this.#timers) timer.cancel();
    const error = new BusError('the publisher has been stopped');
    for (const each of [...this.#underWay, ...this.#waiting]) each.reject(error);
    this.#waiting = [];
  }

  /** What comes in one turn of the event loop goes out in one write. */
  #flushSoon(): void {
    if (this.#flushing || this.#state !== 'ready') return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      while (this.#state === 'ready' && this.#waiting.length > 0) {
        void this.#write(this.#waiting.splice(0, WRITE_EVENTS_MAX));
      }
    });
  }

  async #write(events: readonly Unanswered[]): Promise<void> {
    for (const each of events) this.#underWay.add(each);
    this.#writes++;
    let failed: boolean;
    try {
      const results = await this.#link.runAll(
        APPEND,
        events.map((each) => this.#call(each)),
      );
      failed = !(await this.#confirmed(results)) || !this.#answer(events, results);
    } catch {
      failed = true;
    }
    this.#writes--;
    if (failed) this.#recover();
  }

  #call({ mark, record, key }: Unanswered) {
    const { log, head, live, once, writer } = this.#link.keys;
    const { maxEvents } = this.#settings();
    const keys = [log, head, writer(this.#writer), live];
    const args = [this.#epoch, mark, record, maxEvents, this.#link.publishCommand];
    if (key === undefined) return { keys, args };
    return { keys: [...keys, once(key)], args: [...args, IDEMPOTENCY_MS / 1000] };
  }

  /** Whether enough replicas have what has just been appended. */
  async #confirmed(results: readonly CallResult[]): Promise<boolean> {
    const { waitReplicas } = this.#settings();
    if (waitReplicas === 0 || !results.some(({ ok }) => ok)) return true;
    return Number(await this.#link.ask((redis) => redis.wait(waitReplicas, WAIT_MS))) >= waitReplicas;
  }

  /** @returns whether all of them succeeded */
  #answer(events: readonly Unanswered[], results: readonly CallResult[]): boolean {
    let all = true;
    for (const [i, each] of events.entries()) {
      const result = results[i];
      const id = result?.ok ? parseEventId(String(result.value)) : undefined;
      if (id === undefined) all = false;
      else this.#resolve(each, id);
    }
    return all;
  }

  #resolve(each: Unanswered, id: EventId): void {
    this.#underWay.delete(each);
    // An idempotency key may give an id of long ago; searching from there would only take longer.
    if (each.key === undefined) this.#answeredUpTo = id;
    each.resolve(id);
  }

  #recover(): void {
    if (this.#state === 'stopped' || this.#recovering !== undefined) return;
    if (this.#state === 'ready') this.#awaySinceMs = this.#parts.clock.monotonicMs();
    this.#state = 'recovering';
    this.#recovering = this.#untilReady().finally(() => {
      this.#recovering = undefined;
      this.#flushSoon();
    });
  }

  async #untilReady(): Promise<void> {
    const { clock, random } = this.#parts;
    // What is refused right after it recovered (no right, no memory) would be refused again, thousands of times a second.
    if (clock.monotonicMs() - this.#readyAtMs < RETRY_MS) await sleep(clock, jitter(RETRY_MS, 0.5, random));
    while (this.#state === 'recovering') {
      // Every command under way has its outcome within the link's time limit.
      if (this.#writes === 0 && this.#link.up) {
        try {
          await this.#fence();
          this.#state = 'ready';
          this.#readyAtMs = clock.monotonicMs();
          return;
        } catch {
          // The link has reported it, and has given up a connection that does not answer.
        }
      }
      await sleep(clock, jitter(RETRY_MS, 0.5, random));
    }
  }

  async #fence(): Promise<void> {
    const { log, head, generation, writer } = this.#link.keys;
    await this.#link.load(SCRIPTS);
    this.#epoch++;
    const nonce = randomBytes(WRITER_BYTES).toString('base64url');
    const keys = [log, head, generation, writer(this.#writer)];
    const last = await this.#link.run(FENCE, keys, [
      this.#epoch,
      this.#answeredUpTo,
      nonce,
      WRITER_EXPIRES_S,
    ]);
    if (this.#underWay.size > 0) await this.#findAnswers();
    else this.#answeredUpTo = parseEventId(String(last)) ?? this.#answeredUpTo;
    // What was not found was never appended, and never will be: it goes first, in its old order.
    this.#waiting = [...this.#underWay, ...this.#waiting];
    this.#underWay.clear();
    this.#rejectLate();
  }

  async #findAnswers(): Promise<void> {
    const sought = new Map([...this.#underWay].map((each) => [each.mark, each]));
    const found = await findMarks(this.#link, this.#answeredUpTo, new Set(sought.keys()));
    if (found.size > 0 && !(await this.#confirmed([{ ok: true, value: '' }]))) {
      throw new BusError('not enough replicas have what was appended');
    }
    for (const [mark, id] of found) {
      const each = sought.get(mark);
      if (each !== undefined) this.#resolve(each, id);
    }
  }

  #rejectLate(): void {
    if (this.#state === 'ready' && this.#underWay.size === 0) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const late = ({ untilMs }: Unanswered) => untilMs <= nowMs;
    const error = new BusError('the log could not be reached in time');
    for (const each of this.#waiting) if (late(each)) each.reject(error);
    this.#waiting = this.#waiting.filter((each) => !late(each));
    // Whether one that is under way was appended shows later; its producer is told now.
    for (const each of this.#underWay) if (late(each)) each.reject(error);
  }

  async #trim(): Promise<void> {
    if (this.#state !== 'ready') return;
    const { log, writer } = this.#link.keys;
    const { maxAgeMs, maxBytes } = this.#settings();
    // The next round will do what this one could not.
    await this.#link
      .run(TRIM, [log, writer(this.#writer)], [maxAgeMs, maxBytes, WRITER_EXPIRES_S])
      .catch(() => {});
  }
}
