import assert from 'node:assert/strict';
import { subject } from '../../src/core/brand.ts';
import type { FakeTransport } from './fake-transport.ts';
import type { ModelLog } from './model-log.ts';

/** The topics of a stream from this place of the log on. */
interface Span {
  readonly from: number;
  readonly topics: ReadonlySet<string>;
}

export interface ExpectationStart {
  readonly topics: readonly string[];
  readonly subject: string | undefined;
  readonly closeAt: number;
  readonly replayMax: number;
  /** The place of the id that the client resumes by, `unknown` when no event ever had that id. Absent: it does not. */
  readonly resumedAt?: number | 'unknown';
  /** Up to here nothing can be had any more, neither from the ring nor from the log. */
  readonly gone: number;
}

/** What one stream must have been sent, may have been sent, and in which order; held against what its client heard. */
export class Expectation {
  readonly #log: ModelLog;
  readonly #transport: FakeTransport;
  readonly #start: ExpectationStart;
  #spans: readonly Span[];
  /** Everything up to this place has been accounted for, by so much of what was heard. */
  #place: number;
  #heard = 0;
  #gapDue: boolean;

  constructor(log: ModelLog, transport: FakeTransport, start: ExpectationStart) {
    const { resumedAt } = start;
    this.#log = log;
    this.#transport = transport;
    this.#start = start;
    this.#spans = [{ from: 0, topics: new Set(start.topics) }];
    this.#place = typeof resumedAt === 'number' ? resumedAt : log.length;
    this.#gapDue =
      resumedAt === 'unknown' ||
      (resumedAt !== undefined && (resumedAt < start.gone || this.#owed(resumedAt) > start.replayMax));
  }

  changeTopics(names: readonly string[]): void {
    this.#spans = [...this.#spans, { from: this.#log.length, topics: new Set(names) }];
    // What is too much to be replayed depends on the topics.
    if (typeof this.#start.resumedAt === 'number') this.#gapDue = false;
  }

  /** @param complete whether everything must have been heard by now, or a part from the beginning without a hole */
  check(complete: boolean): void {
    let untold = false;
    for (const heard of this.#transport.heard.slice(this.#heard)) {
      if (heard.kind === 'position') {
        this.#passTo(this.#log.placeOf(heard.id), untold);
        untold = false;
      } else if (heard.kind === 'event' && heard.type === 'gap') {
        untold = this.#gap(JSON.parse(heard.data));
      } else if (heard.kind === 'event' && heard.id !== undefined) {
        this.#event(heard.id, heard.data);
      }
    }
    this.#heard = this.#transport.heard.length;
    this.#assertNothingAfterClose();
    if (!complete) return;
    this.#passTo(this.#log.length, false);
    assert.ok(!this.#gapDue, 'a gap was not told');
    this.#spans = this.#spans.slice(-1);
  }

  #event(id: string, data: string): void {
    const place = this.#log.placeOf(id);
    assert.ok(place > this.#place, `event ${place} was heard before, or is told after a later one`);
    assert.ok(this.#mayHear(place), `event ${place} is not for this stream`);
    assert.equal(data, this.#log.events[place - 1]?.data);
    this.#passTo(place - 1, false);
    this.#place = place;
  }

  /** @returns whether it is yet to be told up to where */
  #gap({ requested, oldest }: { requested: string; oldest: string | null }): boolean {
    const { replayMax, resumedAt } = this.#start;
    if (typeof resumedAt === 'number') {
      const from = this.#log.placeOf(requested);
      const justified = from < this.#log.trimmed || this.#owed(from) > replayMax;
      assert.ok(justified, 'a gap is told where there is none');
    } else {
      assert.ok(this.#gapDue, 'a gap is told where there is none');
    }
    this.#gapDue = false;
    if (oldest !== null) this.#passTo(this.#log.placeOf(oldest) - 1, true);
    return oldest === null;
  }

  /** Up to here everything must have been heard, unless a gap was told. */
  #passTo(place: number, missing: boolean): void {
    assert.ok(place >= this.#place, 'a client is never sent back');
    for (let at = this.#place + 1; at <= place && !missing; at++) {
      assert.ok(!this.#mustHear(at), `event ${at} of ${this.#log.length} is missing`);
    }
    this.#place = place;
  }

  /** How many events after `place` are for it. */
  #owed(place: number): number {
    let owed = 0;
    for (let at = place + 1; at <= this.#log.length; at++) if (this.#mayHear(at)) owed++;
    return owed;
  }

  /** The stream has had the topic ever since the event was published. */
  #mustHear(place: number): boolean {
    return this.#isFor(place) && this.#spansSince(place).every(({ topics }) => this.#carries(topics, place));
  }

  /** The stream has had the topic at some time since. */
  #mayHear(place: number): boolean {
    return this.#isFor(place) && this.#spansSince(place).some(({ topics }) => this.#carries(topics, place));
  }

  #isFor(place: number): boolean {
    const subjects = this.#log.events[place - 1]?.audience?.subjects;
    const own = this.#start.subject;
    return subjects === undefined || (own !== undefined && subjects.includes(subject(own)));
  }

  #carries(topics: ReadonlySet<string>, place: number): boolean {
    const topic = this.#log.events[place - 1]?.topic;
    return topic !== undefined && topics.has(topic);
  }

  #spansSince(place: number): readonly Span[] {
    return this.#spans.filter((_, i) => (this.#spans[i + 1]?.from ?? Number.POSITIVE_INFINITY) >= place);
  }

  #assertNothingAfterClose(): void {
    for (const { at, bytes } of this.#transport.writes) {
      if (at < this.#start.closeAt) continue;
      assert.match(bytes.toString(), /event:end/, 'nothing but its end is written after closeAt');
    }
  }
}
