import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EpochMs, epochMs } from '../../src/core/brand.ts';
import { type Deadline, DeadlineWheel, TICK_MS } from '../../src/core/deadline-wheel.ts';
import { FakeClock } from '../support/fake-clock.ts';

class Probe implements Deadline {
  dueAt: EpochMs;
  wheelSlot = -1;
  wheelIndex = -1;
  readonly fired: number[] = [];
  readonly #wheel: DeadlineWheel;
  next: EpochMs | undefined;

  constructor(wheel: DeadlineWheel, dueAt: number) {
    this.#wheel = wheel;
    this.dueAt = epochMs(dueAt);
  }

  onDue(now: EpochMs): void {
    this.fired.push(now - this.dueAt);
    if (this.next === undefined) return this.#wheel.remove(this);
    this.dueAt = this.next;
    this.next = undefined;
  }
}

function setUp(delays: readonly number[]) {
  const clock = new FakeClock();
  const wheel = new DeadlineWheel(clock);
  const probes = delays.map((delay) => new Probe(wheel, clock.now() + delay));
  for (const probe of probes) wheel.schedule(probe);
  return { clock, wheel, probes };
}

describe('DeadlineWheel', () => {
  it('meets every deadline once, never early, at most two ticks late', () => {
    const delays = [-500, 0, 1, 5, 7, 999, 10_239, 10_240, 10_241, 60_000, 3_600_000];
    const { clock, wheel, probes } = setUp(delays);
    clock.advance(3_600_000 + 2 * TICK_MS);
    for (const [i, probe] of probes.entries()) {
      assert.equal(probe.fired.length, 1, `deadline in ${delays[i]} ms`);
      const late = probe.fired[0] ?? Number.NaN;
      const allowed = (delays[i] ?? 0) < 0 ? 500 + 2 * TICK_MS : 2 * TICK_MS;
      assert.ok(late >= 0 && late <= allowed, `deadline in ${delays[i]} ms met ${late} ms late`);
    }
    assert.equal(wheel.size, 0);
    assert.equal(clock.timers, 0, 'an empty wheel keeps no timer');
  });

  it('finds out by itself that a deadline moved later', () => {
    const { clock, probes } = setUp([100]);
    const [probe] = probes;
    assert.ok(probe);
    probe.dueAt = epochMs(clock.now() + 50_000);
    clock.advance(49_999);
    assert.deepEqual(probe.fired, []);
    clock.advance(1 + 2 * TICK_MS);
    assert.equal(probe.fired.length, 1);
  });

  it('is told that a deadline moved earlier', () => {
    const { clock, wheel, probes } = setUp([50_000]);
    const [probe] = probes;
    assert.ok(probe);
    probe.dueAt = epochMs(clock.now() + 20);
    wheel.schedule(probe);
    clock.advance(20 + 2 * TICK_MS);
    assert.equal(probe.fired.length, 1);
  });

  it('keeps an entry that sets itself a new deadline', () => {
    const { clock, probes } = setUp([10]);
    const [probe] = probes;
    assert.ok(probe);
    probe.next = epochMs(clock.now() + 30);
    clock.advance(200);
    assert.equal(probe.fired.length, 2);
  });

  it('survives jumps of the wall clock', () => {
    const forwards = setUp([60_000]);
    forwards.clock.jump(3_600_000);
    forwards.clock.advance(2 * TICK_MS);
    assert.equal(forwards.probes[0]?.fired.length, 1, 'an hour ahead: due at once');

    const backwards = setUp([1_000]);
    backwards.clock.jump(-7_000);
    backwards.clock.advance(7_999);
    assert.equal(backwards.probes[0]?.fired.length, 0, 'seven seconds back: not early');
    backwards.clock.advance(1 + 2 * TICK_MS);
    assert.equal(backwards.probes[0]?.fired.length, 1, 'and not a turn late');
  });

  it('removes from the middle of a slot without losing the others', () => {
    const { clock, wheel, probes } = setUp(Array.from({ length: 100 }, () => 50));
    for (const probe of probes.filter((_, i) => i % 3 === 0)) wheel.remove(probe);
    clock.advance(100);
    for (const [i, probe] of probes.entries()) assert.equal(probe.fired.length, i % 3 === 0 ? 0 : 1);
  });
});
