import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, systemClock } from '../../src/core/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('systemClock', () => {
  it('tells the wall clock in milliseconds', () => {
    const before = Date.now();
    const now = systemClock.now();
    assert.ok(now >= before && now <= Date.now());
  });

  it('never goes back by monotonic time, and calls not before the delay is over', async () => {
    const since = systemClock.monotonicMs();
    await sleep(systemClock, 20);
    // Node's timers count whole milliseconds and may be early by the part of one.
    assert.ok(systemClock.monotonicMs() - since >= 19);
  });

  it('calls again and again until it is cancelled, and then no more', async () => {
    let calls = 0;
    const timer = systemClock.every(1, () => calls++);
    while (calls < 3) await sleep(systemClock, 1);
    timer.cancel();
    timer.cancel();
    const seen = calls;
    await sleep(systemClock, 10);
    assert.equal(calls, seen);
  });

  it('calls nothing that was cancelled', async () => {
    let called = false;
    systemClock
      .after(1, () => {
        called = true;
      })
      .cancel();
    await sleep(systemClock, 10);
    assert.equal(called, false);
  });
});

describe('sleep', () => {
  it('resolves when the time is over', async () => {
    const clock = new FakeClock();
    let over = false;
    const sleeping = sleep(clock, 100).then(() => {
      over = true;
    });
    clock.advance(99);
    await Promise.resolve();
    assert.equal(over, false);
    clock.advance(1);
    await sleeping;
  });

  it('rejects with the reason of the signal, and keeps no timer', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await assert.rejects(sleeping, reason);
    assert.equal(clock.timers, 0);
  });

  it('does not begin under a signal that has been given', async () => {
    const clock = new FakeClock();
    const reason = new Error('enough');
    await assert.rejects(sleep(clock, 100, AbortSignal.abort(reason)), reason);
    assert.equal(clock.timers, 0);
  });

  it('leaves nothing at the signal', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal);
    clock.advance(100);
    await sleeping;
    abort.abort();
  });
});
