import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CodedError } from '../../src/core/coded-error.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { WorkOutcome, WorkQueueObserver } from '../../src/kube/observer.ts';
import { type Work, WorkQueue } from '../../src/kube/work-queue.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-guards.ts';

class RecordedWork implements WorkQueueObserver {
  readonly waited: number[] = [];
  readonly outcomes: WorkOutcome[] = [];
  depth = 0;
  deepest = 0;

  waiting(_queue: string, keys: number): void {
    this.depth = keys;
    this.deepest = Math.max(this.deepest, keys);
  }

  started(_queue: string, waitedMs: number): void {
    this.waited.push(waitedMs);
  }

  finished(_queue: string, outcome: WorkOutcome): void {
    this.outcomes.push(outcome);
  }
}

function queueOf(test: TestContext, work: Work, workersMax = 1) {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const observer = new RecordedWork();
  const options = { name: 'gateways', workersMax, backoff: { minMs: 100, maxMs: 1_000 } };
  const queue = new WorkQueue(work, options, { clock, random: () => 1, log, observer });
  test.after(() => queue.stop());
  return { queue, clock, log, observer };
}

/** Work that goes on until it is let go, key by key. */
class HeldWork {
  readonly begun: string[] = [];
  readonly #held: { key: string; end: PromiseWithResolvers<undefined> }[] = [];

  readonly work: Work = (key) => {
    this.begun.push(key);
    const end = Promise.withResolvers<undefined>();
    this.#held.push({ key, end });
    return end.promise;
  };

  get underWay(): readonly string[] {
    return this.#held.map(({ key }) => key);
  }

  async end(error?: Error): Promise<void> {
    const held = this.#held.shift();
    if (error === undefined) held?.end.resolve(undefined);
    else held?.end.reject(error);
    await settle();
  }
}

/** Whatever promises had to say has been said. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a work queue', () => {
  it('works on keys in the order in which they were added, each once', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work);
    await queue.start();
    for (const key of ['a', 'b', 'c', 'b', 'c']) queue.add(key);
    for (let i = 0; i < 3; i++) await held.end();
    assert.deepEqual([held.begun, queue.size], [['a', 'b', 'c'], 0]);
  });

  it('begins when it is started, with what was added before', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work);
    queue.add('a');
    assert.deepEqual(held.begun, []);
    await queue.start();
    assert.deepEqual(held.begun, ['a']);
    await held.end();
  });

  it('works on as many keys at a time as it has workers, never on one twice', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work, 2);
    await queue.start();
    for (const key of ['a', 'b', 'c', 'a']) queue.add(key);
    assert.deepEqual(held.underWay, ['a', 'b']);
    await held.end();
    assert.deepEqual(held.underWay, ['b', 'c'], 'a waits behind c, which was there before');
    await held.end();
    assert.deepEqual(held.underWay, ['c', 'a']);
    await held.end();
    await held.end();
  });

  it('works once more on what was added while it was worked on, however often', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    await held.end();
    assert.deepEqual(held.underWay, ['a']);
    await held.end();
    assert.deepEqual([held.begun, queue.size], [['a', 'a'], 0]);
  });

  it('lets nobody starve behind a key that is added again and again', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work);
    await queue.start();
    queue.add('busy');
    queue.add('other');
    for (let i = 0; i < 4; i++) {
      queue.add('busy');
      await held.end();
    }
    assert.deepEqual(held.begun.slice(0, 3), ['busy', 'other', 'busy']);
    while (held.underWay.length > 0) await held.end();
  });

  it('works later on what is to wait; the soonest time counts', async (test) => {
    const held = new HeldWork();
    const { queue, clock } = queueOf(test, held.work, 3);
    await queue.start();
    queue.addAfter('a', 500);
    queue.addAfter('a', 200);
    queue.addAfter('a', 900);
    queue.addAfter('b', 500);
    queue.add('b');
    assert.deepEqual(held.begun, ['b']);
    clock.advance(199);
    assert.deepEqual(held.begun, ['b']);
    clock.advance(1);
    assert.deepEqual(held.begun, ['b', 'a']);
    queue.addAfter('a', 300);
    await held.end();
    await held.end();
    clock.advance(299);
    assert.equal(held.begun.length, 2);
    clock.advance(1);
    assert.deepEqual(held.begun, ['b', 'a', 'a']);
    await held.end();
    clock.advance(10_000);
    assert.deepEqual([held.begun.length, clock.timers, queue.size], [3, 0, 0]);
  });

  it('looks again when the work wants it to', async (test) => {
    const times: number[] = [];
    const { queue, clock } = queueOf(test, async () => {
      times.push(clock.monotonicMs());
      return { againAfterMs: 1_000 };
    });
    await queue.start();
    queue.add('a');
    await settle();
    await clock.advanceAsync(2_500);
    assert.deepEqual(times, [0, 1_000, 2_000]);
  });

  it('waits longer after each failure, up to a limit, and begins anew after a success', async (test) => {
    const times: number[] = [];
    let isFine = false;
    const { queue, clock, log, observer } = queueOf(test, async () => {
      times.push(clock.monotonicMs());
      if (!isFine) throw new KubeError('unavailable', 'later');
      return undefined;
    });
    await queue.start();
    queue.add('a');
    await settle();
    await clock.advanceAsync(4_000, 10);
    assert.deepEqual(times, [0, 100, 300, 700, 1_500, 2_500, 3_500]);
    isFine = true;
    await clock.advanceAsync(1_000, 10);
    isFine = false;
    times.length = 0;
    const fromMs = clock.monotonicMs();
    queue.add('a');
    await settle();
    await clock.advanceAsync(300, 10);
    assert.deepEqual(
      times.map((ms) => ms - fromMs),
      [0, 100, 300],
    );
    assert.deepEqual(observer.outcomes.slice(6, 9), ['retry', 'done', 'retry']);
    assert.match(log.lines[0] ?? '', /"warn".*"key":"a","failures":1,"againAfterMs":100/);
  });

  it('works at once on a key that failed when something about it has changed', async (test) => {
    const held = new HeldWork();
    const { queue, clock } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    await held.end(new KubeError('conflict', 'somebody was faster'));
    assert.deepEqual(held.underWay, []);
    queue.add('a');
    assert.deepEqual(held.underWay, ['a']);
    await held.end();
    clock.advance(10_000);
    assert.equal(held.begun.length, 2, 'the retry that was due is not needed any more');
  });

  it('leaves the server alone for as long as it asks', async (test) => {
    const held = new HeldWork();
    const { queue, clock } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    await held.end(new KubeError('too_many', 'later', { retryAfterMs: 7_000 }));
    clock.advance(6_999);
    assert.equal(held.begun.length, 1);
    clock.advance(1);
    assert.equal(held.begun.length, 2);
    await held.end();
  });

  for (const [what, error] of [
    ['invalid', new KubeError('invalid', 'spec.size: must be positive')],
    ['a fault of the input', new CodedError('input', 'no')],
  ] as const) {
    it(`does not try again what is ${what}, until it changes`, async (test) => {
      const held = new HeldWork();
      const { queue, clock, observer } = queueOf(test, held.work);
      await queue.start();
      queue.add('a');
      await held.end(error);
      await clock.advanceAsync(100_000, 10_000);
      assert.deepEqual([held.begun, observer.outcomes, queue.size], [['a'], ['terminal'], 0]);
      queue.add('a');
      assert.deepEqual(held.underWay, ['a']);
      await held.end();
    });
  }

  it('tries again after a bug, and says that it is one', async (test) => {
    const held = new HeldWork();
    const { queue, clock, log } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    await held.end(new TypeError('undefined is not a function'));
    assert.match(log.lines[0] ?? '', /"level":"error"/);
    clock.advance(100);
    assert.deepEqual(held.underWay, ['a']);
    await held.end();
  });

  it('goes on with the others when one fails', async (test) => {
    const held = new HeldWork();
    const { queue } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    queue.add('b');
    await held.end(new Error('no'));
    assert.deepEqual(held.underWay, ['b']);
    await held.end();
  });

  it('says how many keys wait, and for how long they did', async (test) => {
    const held = new HeldWork();
    const { queue, clock, observer } = queueOf(test, held.work);
    await queue.start();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    assert.deepEqual([observer.depth, queue.size], [2, 3]);
    clock.advance(300);
    await held.end();
    clock.advance(200);
    await held.end();
    await held.end();
    assert.deepEqual([observer.depth, observer.deepest, observer.waited], [0, 2, [0, 300, 500]]);
  });

  it('stops when what is under way has ended, and begins nothing more', async (test) => {
    const held = new HeldWork();
    const { queue, clock } = queueOf(test, held.work);
    await queue.start();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 100);
    let isStopped = false;
    const stopped = queue.stop().then(() => {
      isStopped = true;
    });
    await settle();
    assert.equal(isStopped, false);
    queue.add('a');
    await held.end(new KubeError('unreachable', 'away'));
    await stopped;
    clock.advance(100_000);
    assert.deepEqual([held.begun, clock.timers, queue.size], [['a'], 0, 0]);
  });

  it('tells work that does not end after a stop to do so', async (test) => {
    const ended: unknown[] = [];
    const { queue, clock } = queueOf(
      test,
      (_key, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            ended.push('told');
            resolve(undefined);
          });
        }),
    );
    await queue.start();
    queue.add('a');
    const stopped = queue.stop();
    clock.advance(4_999);
    assert.deepEqual(ended, []);
    clock.advance(1);
    await stopped;
    assert.deepEqual(ended, ['told']);
  });
});
