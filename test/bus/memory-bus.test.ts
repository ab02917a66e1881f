import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogBounds } from '../../src/bus/memory-bus.ts';
import { MemoryBus } from '../../src/bus/memory-bus.ts';
import { ORIGIN } from '../../src/core/event-id.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { busContract, event, publishAll } from './contract.ts';

const WIDE: LogBounds = { maxEvents: 100_000, maxAgeMs: 3_600_000, maxBytes: 1e9 };

busContract('MemoryBus', async () => {
  let bounds = WIDE;
  const bus = new MemoryBus({ clock: new FakeClock(), bounds: () => bounds });
  return {
    async connect(more) {
      bounds = { ...WIDE, ...more };
      return bus;
    },
  };
});

describe('MemoryBus', () => {
  function busOf(bounds: Partial<LogBounds> = {}) {
    const clock = new FakeClock();
    return { clock, bus: new MemoryBus({ clock, bounds: () => ({ ...WIDE, ...bounds }) }) };
  }

  it('goes on in sequence while the clock stands, or goes back', async () => {
    const { bus, clock } = busOf();
    const now = clock.now();
    const ids = [...(await publishAll(bus, 2))];
    clock.jump(-5000);
    ids.push(await bus.publish(event('c')));
    clock.jump(5001);
    ids.push(await bus.publish(event('d')));
    assert.deepEqual(ids, [`${now}-0`, `${now}-1`, `${now}-2`, `${now + 1}-0`]);
  });

  it('lets go of what is too old with the next event', async () => {
    const { bus, clock } = busOf({ maxAgeMs: 10_000 });
    await publishAll(bus, 3);
    clock.jump(9000);
    await bus.publish(event('younger'));
    clock.jump(2000);
    await bus.publish(event('youngest'));
    const { events } = await bus.read(ORIGIN, 10);
    assert.deepEqual(
      events.map(({ data }) => data),
      ['younger', 'youngest'],
    );
  });

  it('lets go of what is too much, but never of the newest', async () => {
    const { bus } = busOf({ maxBytes: 3000 });
    for (const size of [1000, 1000, 1000, 1000, 9000]) await bus.publish(event('x'.repeat(size)));
    const { events } = await bus.read(ORIGIN, 10);
    assert.deepEqual(
      events.map(({ data }) => data.length),
      [9000],
    );
  });

  it('forgets an idempotency key after five minutes', async () => {
    const { bus, clock } = busOf();
    const first = await bus.publish(event('a'), 'key');
    clock.advance(299_999);
    assert.equal(await bus.publish(event('a'), 'key'), first);
    clock.advance(1);
    assert.notEqual(await bus.publish(event('a'), 'key'), first);
  });
});
