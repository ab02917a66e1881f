import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fifo } from '../../src/core/fifo.ts';
import { seededRandom } from '../support/seeded-random.ts';

describe('Fifo', () => {
  it('gives nothing while it is empty', () => {
    const fifo = new Fifo<number>();
    assert.deepEqual([fifo.shift(), fifo.size], [undefined, 0]);
    fifo.push(1);
    assert.deepEqual([fifo.shift(), fifo.shift(), fifo.size], [1, undefined, 0]);
  });

  it('keeps the order and the size of an array, long or short', () => {
    const random = seededRandom(5);
    const fifo = new Fifo<number>();
    const model: number[] = [];
    for (let round = 0; round < 40; round++) {
      // Long stretches of either, so that it grows past what it compacts at, and empties.
      const pushing = random();
      for (let step = 0; step < 1_000; step++) {
        if (random() < pushing) {
          fifo.push(step);
          model.push(step);
        } else assert.equal(fifo.shift(), model.shift());
        assert.equal(fifo.size, model.length);
      }
    }
    while (model.length > 0) assert.equal(fifo.shift(), model.shift());
  });
});
