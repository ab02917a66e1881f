import assert from 'node:assert/strict';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import type { Random } from '../../src/core/random.ts';
import type { Verdict } from '../../src/stream/authorisation.ts';
import type { ConnectionState } from '../../src/stream/connection.ts';
import { BusyClock } from './busy-clock.ts';
import { Expectation } from './expectation.ts';
import { authorise, HubRig, type Stream } from './hub-rig.ts';
import { ModelLog } from './model-log.ts';
import { seededRandom } from './seeded-random.ts';

interface Client extends Stream {
  readonly expected: Expectation;
  /** What its path carries for it, from the next review on. */
  topics: readonly string[];
}

/** How often each step is taken, relative to the others. */
const STEPS = [
  ['publish', 50],
  ['turn', 22],
  ['open', 10],
  ['stall', 10],
  ['release', 8],
  ['leave', 2],
  ['review', 3],
  ['pass', 3],
  ['trim', 1],
  ['outage', 1],
] as const;

const TOPIC_SETS = [['a'], ['b'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']];
const SUBJECTS = ['alice', 'bob', 'carol', null];
const AUDIENCES = [['alice'], ['bob', 'carol'], ['nobody']];
/** So many in one lane that a sweep needs several slices, with everything else between them. */
const CROWD = 40;
const STEPS_BETWEEN_RESTS = 50;
const RESTING: readonly ConnectionState[] = ['live', 'ending', 'ended'];

/**
 * Drives a hub at random and holds it to its promise: whatever the interleaving, a stream hears exactly the events
 * that it may see, once, in order; or of a gap.
 */
export class StreamModel {
  /** What happened how often; a run in which something never happens proves nothing about it. */
  readonly coverage: Record<string, number> = {};
  readonly #random: Random;
  readonly #rig: HubRig;
  readonly #log = new ModelLog();
  readonly #clients: Client[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const settings = {
      ring: { eventsMax: this.#pick([20, 60, 200]), bytesMax: 1_000_000, ageMaxMs: 600_000 },
      replayPerStreamMax: this.#pick([10, 40, 10_000]),
      lagMaxMs: 60_000,
    };
    this.#rig = new HubRig(settings, this.#random, new BusyClock(this.#pick([0, 3])));
    for (let i = this.#below(60); i > 0; i--) this.#log.add(this.#rig.log(this.#topic(), this.#text()));
    const head = this.#log.events.at(-1);
    if (head !== undefined) this.#rig.hub.begin(head.id);
    if (this.#random() < 0.3) for (let i = 0; i < CROWD; i++) this.#openWith(['a'], 'alice', undefined);
  }

  async run(steps: number): Promise<void> {
    for (let i = 1; i <= steps; i++) {
      await this.#step();
      if (i % STEPS_BETWEEN_RESTS === 0 || i === steps) await this.#rest();
    }
    this.#count('gap', this.#rig.observed.gaps.length);
    await this.#rig.hub.stop(0);
  }

  async #step(): Promise<void> {
    const step = this.#nextStep();
    this.#count(step);
    switch (step) {
      case 'publish':
        return this.#publish();
      case 'turn':
        return this.#rig.turn(1);
      case 'open':
        return this.#openWith(this.#pick(TOPIC_SETS), this.#pick(SUBJECTS), this.#resume());
      case 'stall':
        return this.#any()?.transport.stall(this.#below(20_000));
      case 'release':
        return this.#any()?.transport.release();
      case 'leave':
        return this.#leave();
      case 'review':
        return this.#review();
      case 'pass':
        return this.#rig.clock.advance(this.#pick([1, 20, 200, 8000]));
      case 'trim':
        return this.#trim();
      case 'outage':
        this.#rig.history.unreachable = !this.#rig.history.unreachable;
    }
  }

  #publish(): void {
    for (let burst = this.#pick([1, 1, 2, 6]); burst > 0; burst--) {
      const to = this.#random() < 0.2 ? { to: this.#pick(AUDIENCES) } : {};
      this.#log.add(this.#rig.publish(this.#topic(), this.#text(), to));
    }
  }

  #openWith(topics: readonly string[], who: string | null, resume: string | undefined): void {
    const { clock, hub, settings } = this.#rig;
    const closeAt = this.#random() < 0.2 ? clock.now() + 1 + this.#below(20_000) : Number.POSITIVE_INFINITY;
    const gone = Math.min(this.#log.trimmed, this.#log.placeOf(hub.status().ring.floor));
    const known = resume !== undefined && /^[01]/.test(resume);
    const review = (): Verdict => ({
      kind: 'allowed',
      authorisation: client.connection.authorisation,
      topics: client.topics.map(topic),
    });
    const authorisation = authorise({
      holder: undefined,
      subject: who === null ? undefined : subject(who),
      closeAt: epochMs(closeAt),
      review,
    });
    const format = this.#pick(['chunked', 'raw'] as const);
    const stream = this.#rig.open({
      topics,
      format,
      authorisation,
      ...(resume === undefined ? {} : { resume }),
    });
    const expected = new Expectation(this.#log, stream.transport, {
      topics,
      subject: who ?? undefined,
      closeAt,
      replayMax: settings.replayPerStreamMax,
      ...(resume === undefined ? {} : { resumedAt: known ? this.#log.placeOf(resume) : 'unknown' }),
      gone,
    });
    const client: Client = { ...stream, expected, topics };
    this.#clients.push(client);
  }

  #resume(): string | undefined {
    const kind = this.#random();
    if (kind < 0.4) return undefined;
    if (kind < 0.44) return 'nonsense';
    if (kind < 0.48) return '9000000000000-0';
    const back = this.#below(kind < 0.7 ? 10 : this.#log.length + 1);
    return this.#log.events[this.#log.length - back - 1]?.id ?? '0-0';
  }

  #leave(): void {
    const client = this.#any();
    if (client === undefined) return;
    client.expected.check(false);
    this.#rig.hub.gone(client.connection);
    this.#clients.splice(this.#clients.indexOf(client), 1);
  }

  /** The paths of some streams carry other topics from now on. */
  #review(): void {
    for (const client of this.#clients) {
      if (!client.connection.open || this.#random() < 0.5) continue;
      client.topics = this.#pick(TOPIC_SETS);
      client.expected.changeTopics(client.topics);
    }
    void this.#rig.hub.review();
  }

  #trim(): void {
    const { history } = this.#rig;
    const count = Math.max(0, Math.min(this.#below(40), history.events.length - 1));
    history.trim(count);
    this.#log.trimmed += count;
  }

  /** Every peer reads again, the log is there, and what was under way comes to its end; then all is checked. */
  async #rest(): Promise<void> {
    for (const { connection } of this.#clients) this.#count(connection.state);
    this.#rig.history.unreachable = false;
    for (let i = 0; this.#release() > 0; i++) {
      assert.ok(i < 2000, 'everything comes to rest');
      this.#rig.clock.advance(i % 20 === 19 ? 1000 : 1);
      await this.#rig.turn(1);
    }
    await this.#rig.turn(20);
    for (const client of this.#clients.splice(0)) {
      const { open } = client.connection;
      client.expected.check(open);
      this.#count(client.transport.endReason ?? 'open');
      if (open) this.#clients.push(client);
    }
  }

  /** @returns how many streams are still on their way */
  #release(): number {
    for (const { transport } of this.#clients) transport.release();
    return this.#clients.filter(({ connection }) => !RESTING.includes(connection.state)).length;
  }

  #any(): Client | undefined {
    return this.#clients[this.#below(this.#clients.length)];
  }

  #topic(): string {
    return this.#pick(['a', 'a', 'b', 'c']);
  }

  #text(): string {
    const text = `event ${this.#log.length + 1}`;
    const size = this.#random();
    if (size < 0.6) return text;
    return text.padEnd(size < 0.98 ? this.#below(6000) : 100_000, '.');
  }

  #nextStep(): (typeof STEPS)[number][0] {
    let left = this.#below(STEPS.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [step, weight] of STEPS) {
      left -= weight;
      if (left < 0) return step;
    }
    return 'turn';
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new TypeError('there is nothing to pick from');
    return value;
  }

  #count(what: string, times = 1): void {
    this.coverage[what] = (this.coverage[what] ?? 0) + times;
  }
}
