import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { InTurns } from '../../src/core/in-turns.ts';

interface Item {
  readonly number: number;
}

function begin(itemsATurn: number): { done: number[]; work: InTurns<Item> } {
  const done: number[] = [];
  return { done, work: new InTurns(itemsATurn, ({ number }) => done.push(number)) };
}

describe('InTurns', () => {
  it('does nothing in the turn in which the work comes', () => {
    const { done, work } = begin(2);
    work.push({ number: 1 });
    assert.deepEqual(done, []);
    assert.equal(work.size, 1);
  });

  it('does so many a turn, in order, until all is done', async () => {
    const { done, work } = begin(2);
    for (let number = 1; number <= 5; number++) work.push({ number });
    const seen: number[] = [];
    for (let turns = 0; turns < 3; turns++) {
      await turn();
      seen.push(done.length);
    }
    assert.deepEqual(seen, [2, 4, 5]);
    assert.deepEqual(done, [1, 2, 3, 4, 5]);
  });

  it('goes on when more comes after all was done', async () => {
    const { done, work } = begin(2);
    work.push({ number: 1 });
    await turn();
    work.push({ number: 2 });
    await turn();
    assert.deepEqual(done, [1, 2]);
  });

  it('does what waits when it is flushed, and none of it again', async () => {
    const { done, work } = begin(1);
    for (let number = 1; number <= 3; number++) work.push({ number });
    work.flush();
    assert.deepEqual(done, [1, 2, 3]);
    await turn();
    assert.deepEqual(done, [1, 2, 3]);
    assert.equal(work.size, 0);
  });
});
