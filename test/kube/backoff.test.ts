import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs } from '../../src/kube/backoff.ts';

const RANGE = { minMs: 100, maxMs: 1_000 };

describe('waiting between attempts', () => {
  for (const [failures, least, most] of [
    [1, 50, 100],
    [2, 100, 200],
    [4, 400, 800],
    [5, 500, 1_000],
    [5_000, 500, 1_000],
  ] as const) {
    it(`takes ${least} to ${most} ms after ${failures} failures`, () => {
      assert.deepEqual(
        [backoffMs(failures, RANGE, () => 0), backoffMs(failures, RANGE, () => 1)],
        [least, most],
      );
    });
  }
});
