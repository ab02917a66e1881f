import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SharedReads } from '../../src/bus/shared-reads.ts';

const READS_MAX = 8;

/** Reads that wait for their outcome. */
class Reads {
  readonly #shared = new SharedReads<string>();
  readonly started: string[] = [];
  readonly #outcomes = new Map<string, PromiseWithResolvers<string>>();

  ask(key: string): Promise<string> {
    return this.#shared.read(key, () => {
      this.started.push(key);
      const outcome = Promise.withResolvers<string>();
      this.#outcomes.set(key, outcome);
      return outcome.promise;
    });
  }

  async resolve(key: string, result: string): Promise<void> {
    this.#outcomes.get(key)?.resolve(result);
    await turn();
  }

  async reject(key: string, error: Error): Promise<void> {
    this.#outcomes.get(key)?.reject(error);
    await turn();
  }
}

describe('SharedReads', () => {
  it('reads once for all who ask for the same meanwhile, and anew for who asks later', async () => {
    const reads = new Reads();
    const asked = [reads.ask('a'), reads.ask('a'), reads.ask('b'), reads.ask('a')];
    assert.deepEqual(reads.started, ['a', 'b']);
    await reads.resolve('a', '1');
    await reads.resolve('b', '2');
    assert.deepEqual(await Promise.all(asked), ['1', '1', '2', '1']);
    const again = reads.ask('a');
    await reads.resolve('a', '3');
    assert.equal(await again, '3');
  });

  it('tells all who asked of a failure, and does not keep it', async () => {
    const reads = new Reads();
    const settled = Promise.allSettled([reads.ask('a'), reads.ask('a')]);
    await reads.reject('a', new Error('away'));
    for (const outcome of await settled) {
      assert.equal(outcome.status === 'rejected' && outcome.reason.message, 'away');
    }
    const again = reads.ask('a');
    await reads.resolve('a', '1');
    assert.equal(await again, '1');
  });

  it('takes what is thrown at once for a failure too', async () => {
    const shared = new SharedReads<string>();
    const fail = () => {
      throw new Error('at once');
    };
    for (let i = 0; i < READS_MAX * 2; i++) await assert.rejects(shared.read('a', fail), /at once/);
    assert.equal(await shared.read('a', async () => 'good'), 'good');
  });

  it('has so many under way; the others wait their turn in order, also after failures', async () => {
    const reads = new Reads();
    const keys = Array.from({ length: 3 * READS_MAX }, (_, i) => `${i}`);
    const settled = Promise.allSettled(keys.map((key) => reads.ask(key)));
    assert.deepEqual(reads.started, keys.slice(0, READS_MAX));
    for (const [i, key] of keys.entries()) {
      await (i % 2 === 0 ? reads.resolve(key, key) : reads.reject(key, new Error(key)));
      assert.deepEqual(reads.started, keys.slice(0, READS_MAX + 1 + i));
    }
    assert.equal((await settled).filter(({ status }) => status === 'fulfilled').length, keys.length / 2);
  });

  it('never has more under way than that, also when somebody asks at the moment when a place is given on', async () => {
    const shared = new SharedReads<void>();
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const read = (key: string, opened: Promise<void>) =>
      shared.read(key, async () => {
        most = Math.max(most, ++running);
        await opened;
        running--;
      });
    const asked = Array.from({ length: READS_MAX * 2 }, (_, i) => read(`${i}`, gate.promise));
    for (let i = 0; i < 10; i++) {
      let later: Promise<void> = gate.promise;
      for (let hop = 0; hop < i; hop++) later = later.then(() => {});
      asked.push(later.then(() => read(`late ${i}`, turn())));
    }
    gate.resolve();
    await Promise.all(asked);
    assert.equal(most, READS_MAX);
  });
});
