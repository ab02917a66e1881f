import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, subject } from '../../src/core/brand.ts';
import { challengeAt } from '../../src/guard/schedule.ts';

const grant = { subject: subject('alice'), expiresAt: epochMs(1_000_000) };

describe('challengeAt', () => {
  const cases: readonly (readonly [leadTimeMs: number, random: number, at: number])[] = [
    [10_000, 0, 990_000],
    [10_000, 0.5, 989_500],
    [10_000, 0.999, 989_001],
    [1_000, 0.5, 998_950],
    [300_000, 0.5, 699_500],
    [2_000_000, 0, -1_000_000],
  ];
  for (const [leadTimeMs, random, at] of cases) {
    it(`lead ${leadTimeMs} ms, random ${random}: ${at}`, () => {
      assert.equal(
        challengeAt(grant, leadTimeMs, () => random),
        at,
      );
    });
  }

  it('is never for a guard without lead time, or a token without subject', () => {
    assert.equal(challengeAt(grant, undefined, Math.random), undefined);
    assert.equal(challengeAt({ ...grant, subject: undefined }, 10_000, Math.random), undefined);
  });
});
