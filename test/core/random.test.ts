import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jitter } from '../../src/core/random.ts';

describe('jitter', () => {
  const cases: readonly [number, number][] = [
    [0, 75],
    [0.5, 100],
    [1, 125],
  ];
  for (const [random, expected] of cases) {
    it(`makes ${expected} of 100 ± 25 % at ${random}`, () =>
      assert.equal(
        jitter(100, 0.25, () => random),
        expected,
      ));
  }
});
