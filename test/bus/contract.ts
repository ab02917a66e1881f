import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Bus, Follower } from '../../src/bus/bus.ts';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import type { Event, LoggedEvent } from '../../src/core/event.ts';
import { compareEventIds, type EventId, ORIGIN } from '../../src/core/event-id.ts';
import { eventually } from '../support/eventually.ts';

export interface BusRig {
  /** The bus of one process on the rig's log, with these bounds of the log. Where there can be only one process, the same one. */
  connect(bounds?: { readonly maxEvents?: number; readonly maxAgeMs?: number }): Promise<Bus>;
}

/** What every bus promises, whichever it is. `open` makes a rig with an empty log that ends with the test. */
export function busContract(
  name: string,
  open: (test: TestContext) => Promise<BusRig>,
  skip: string | false = false,
): void {
  describe(`${name}, the bus contract`, { skip }, () => {
    it('gives rising ids, each event the one before it as previous', async (test) => {
      const bus = await (await open(test)).connect();
      const ids = await publishAll(bus, 5);
      const { events, head } = await bus.read(ORIGIN, 100);
      assert.deepEqual(
        events.map(({ id, previous }) => [previous, id]),
        ids.map((id, i) => [ids[i - 1] ?? ORIGIN, id]),
      );
      assert.equal(head, ids.at(-1));
    });

    it('keeps the order of the calls of one publisher, however many are under way', async (test) => {
      const bus = await (await open(test)).connect();
      const follower = new Recorder();
      await bus.follow(follower);
      const ids = await Promise.all(numbers(300).map((i) => bus.publish(event(`${i}`))));
      assert.deepEqual(ids.toSorted(compareEventIds), ids);
      await eventually(() => assert.equal(follower.events.length, 300));
      assert.deepEqual(
        follower.events.map(({ data }) => data),
        numbers(300).map(String),
      );
    });

    it('follows from the end of the log, or from within it, without a seam', async (test) => {
      const rig = await open(test);
      const bus = await rig.connect();
      await publishAll(bus, 20);
      const [cold, warm] = [new Recorder(), new Recorder()];
      const following = await bus.follow(cold, { eventsMax: 0, bytesMax: 1e9 });
      assert.equal(cold.begun.length, 1);
      following.stop();
      const more = Promise.all(numbers(20).map((i) => bus.publish(event(`more ${i}`))));
      await bus.follow(warm, { eventsMax: 7, bytesMax: 1e9 });
      await more;
      await eventually(() => assert.equal(warm.events.at(-1)?.data, 'more 20'));
      assert.ok(warm.events.length >= 7);
      warm.assertChain();
      assert.deepEqual(cold.events, []);
    });

    it('begins where a log stands that has no events', async (test) => {
      const bus = await (await open(test)).connect();
      const follower = new Recorder();
      await bus.follow(follower, { eventsMax: 100, bytesMax: 1e9 });
      assert.deepEqual(follower.begun, [ORIGIN]);
    });

    it('begins no further back than the bytes it may', async (test) => {
      const bus = await (await open(test)).connect();
      for (let i = 0; i < 10; i++) await bus.publish(event('x'.repeat(10_000)));
      const follower = new Recorder();
      await bus.follow(follower, { eventsMax: 100, bytesMax: 35_000 });
      assert.ok(follower.events.length >= 1 && follower.events.length <= 3);
    });

    it('delivers nothing once it has been stopped', async (test) => {
      const bus = await (await open(test)).connect();
      const [first, second] = [new Recorder(), new Recorder()];
      const following = await bus.follow(first);
      following.stop();
      following.stop();
      await bus.follow(second);
      await bus.publish(event('a'));
      await eventually(() => assert.equal(second.events.length, 1));
      assert.deepEqual(first.events, []);
    });

    it('carries every event as it was', async (test) => {
      const bus = await (await open(test)).connect();
      const follower = new Recorder();
      await bus.follow(follower);
      for (const each of AWKWARD) await bus.publish(each);
      await eventually(() => assert.equal(follower.events.length, AWKWARD.length));
      const { events } = await bus.read(ORIGIN, 100);
      for (const seen of [follower.events, events]) {
        assert.deepEqual(seen.map(withoutPlace), AWKWARD);
      }
    });

    it('reads in pages, from any place', async (test) => {
      const bus = await (await open(test)).connect();
      const ids = await publishAll(bus, 25);
      const pages: number[] = [];
      let after: EventId = ORIGIN;
      for (;;) {
        const { events, head } = await bus.read(after, 10);
        assert.equal(head, ids.at(-1));
        pages.push(events.length);
        const last = events.at(-1);
        if (last === undefined) break;
        assert.equal(events[0]?.previous, after);
        after = last.id;
      }
      assert.deepEqual(pages, [10, 10, 5, 0]);
      const [between] = (await bus.read(ids[11] ?? ORIGIN, 1)).events;
      assert.equal(between?.id, ids[12]);
    });

    it('lets the oldest go beyond its bound, never below it, and the chain shows it', async (test) => {
      const bus = await (await open(test)).connect({ maxEvents: 200 });
      const ids = await publishAll(bus, 1000);
      const { events } = await bus.read(ORIGIN, 10_000);
      assert.ok(events.length >= 200 && events.length <= 400, `${events.length} are retained`);
      assert.deepEqual(
        events.map(({ id }) => id),
        ids.slice(-events.length),
      );
      assert.equal(events[0]?.previous, ids.at(-events.length - 1));
    });

    it('appends once for one idempotency key', async (test) => {
      const bus = await (await open(test)).connect();
      const once = await bus.publish(event('a'), 'key 1');
      const [again, other] = await Promise.all([
        bus.publish(event('a'), 'key 1'),
        bus.publish(event('b'), 'key 2'),
      ]);
      assert.equal(again, once);
      assert.notEqual(other, once);
      const { events } = await bus.read(ORIGIN, 10);
      assert.deepEqual(
        events.map(({ data }) => data),
        ['a', 'b'],
      );
    });

    it('says that it is connected', async (test) => {
      const bus = await (await open(test)).connect();
      await bus.follow(new Recorder());
      await eventually(() => assert.deepEqual(bus.health(), { connected: true }));
    });
  });
}

/** A follower that holds the bus to its word about the order of calls. */
export class Recorder implements Follower {
  readonly begun: EventId[] = [];
  readonly events: LoggedEvent[] = [];
  readonly losses: EventId[] = [];

  begin(head: EventId): void {
    assert.deepEqual([this.begun, this.events], [[], []], 'it begins once, before anything else');
    this.begun.push(head);
  }

  event(event: LoggedEvent): void {
    const before = this.events.at(-1)?.id ?? this.begun[0];
    assert.ok(before !== undefined && compareEventIds(event.id, before) > 0, 'ids rise');
    this.events.push(event);
  }

  lost(head: EventId): void {
    this.losses.push(head);
  }

  /** Every event follows the one before. */
  assertChain(): void {
    let before = this.begun[0];
    for (const { id, previous } of this.events) {
      assert.equal(previous, before);
      before = id;
    }
    assert.deepEqual(this.losses, []);
  }
}

export function event(data: string, more: Partial<Event> = {}): Event {
  return { topic: topic('events'), data, receivedAt: epochMs(1_700_000_000_123), ...more };
}

/** @returns the ids of so many events, published one after the other */
export async function publishAll(bus: Pick<Bus, 'publish'>, count: number): Promise<readonly EventId[]> {
  return Promise.all(numbers(count).map((i) => bus.publish(event(`${i}`))));
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

const AWKWARD: readonly Event[] = [
  event(''),
  event('{"a": 1.0, "b": [1e400, 9007199254740993]}'),
  event('two\nlines\r\nand a \r third'),
  event(' \u0000 \u2028 é 💥 \ufeff'),
  event('typed', { type: 'price "quoted" \\ é' }),
  event('elsewhere', { topic: topic('orders.42 [x]\n'.trimEnd()) }),
  event('for one', { audience: { guard: 'main', subjects: [subject('alice')] } }),
  event('for some', {
    type: 'note',
    audience: { guard: 'ü "g"', subjects: [subject('a|b'), subject('c d'), subject('💥')] },
  }),
  event('x'.repeat(262_144)),
];

function withoutPlace({ id, previous, ...event }: LoggedEvent): Event {
  return event;
}
