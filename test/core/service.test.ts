import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Service, startAll, stopAll } from '../../src/core/service.ts';

/** Services that write down what is done with them; the one named `broken` can't be started. */
function services(notes: string[], ...names: readonly string[]): readonly Service[] {
  return names.map((name) => ({
    async start() {
      await Promise.resolve();
      notes.push(`start ${name}`);
      if (name === 'broken') throw new Error('can not be started');
    },
    async stop() {
      await Promise.resolve();
      notes.push(`stop ${name}`);
    },
  }));
}

describe('services', () => {
  it('start in order and stop in reverse, one after another', async () => {
    const notes: string[] = [];
    const all = services(notes, 'a', 'b', 'c');
    await startAll(all);
    await stopAll(all);
    assert.deepEqual(notes, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('are stopped again when a later one can not be started', async () => {
    const notes: string[] = [];
    await assert.rejects(startAll(services(notes, 'a', 'b', 'broken', 'c')), /can not be started/);
    assert.deepEqual(notes, ['start a', 'start b', 'start broken', 'stop b', 'stop a']);
  });
});
