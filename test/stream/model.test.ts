import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamModel } from '../support/stream-model.ts';

const SEEDS = 60;
const STEPS = 200;
/** States, ends and steps that the runs must have met so often to prove something about them. */
const MET_MIN = 30;
const MET = ['live', 'behind', 'blocked', 'replaying', 'slow_consumer', 'token_expired', 'gap', 'review'];

describe('streams under any interleaving', () => {
  const coverage: Record<string, number> = {};

  it('hear exactly the events that they may see, once, in order, or of a gap', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const model = new StreamModel(seed);
      await model.run(STEPS).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : 'failed'}`, { cause });
      });
      for (const [what, times] of Object.entries(model.coverage)) {
        coverage[what] = (coverage[what] ?? 0) + times;
      }
    }
  });

  for (const what of MET) {
    it(`met ${what} often enough`, () => {
      assert.ok((coverage[what] ?? 0) >= MET_MIN, `${what}: ${coverage[what] ?? 0}`);
    });
  }
});
