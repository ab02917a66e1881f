import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs, retryAfterMs, WAIT_MS_MAX } from '../../src/listen/backoff.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const justBelowOne = () => 1 - 2 ** -53;

describe('backoffMs', () => {
  const cases: readonly { failures: number; from: number; to: number }[] = [
    { failures: 0, from: 500, to: 1_000 },
    { failures: 1, from: 1_000, to: 2_000 },
    { failures: 4, from: 8_000, to: 16_000 },
    { failures: 5, from: 15_000, to: 30_000 },
    { failures: 5_000, from: 15_000, to: 30_000 },
  ];
  for (const { failures, from, to } of cases) {
    it(`waits ${from} to ${to} ms after ${failures} failures`, () => {
      assert.equal(
        backoffMs(failures, 0, () => 0),
        from,
      );
      assert.equal(backoffMs(failures, 0, justBelowOne), to);
    });
  }

  it('waits as long as the server asks for', () =>
    assert.equal(
      backoffMs(0, 45_000, () => 0),
      45_000,
    ));

  it('but an hour at most', () =>
    assert.equal(
      backoffMs(0, 1e15, () => 0),
      WAIT_MS_MAX,
    ));
});

describe('retryAfterMs', () => {
  const cases: readonly [string | undefined, number][] = [
    [undefined, 0],
    ['0', 0],
    ['120', 120_000],
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', 0],
    ['-5 apples', 0],
  ];
  for (const [value, expected] of cases) {
    it(`reads ${value} as ${expected} ms`, () => assert.equal(retryAfterMs(value, NOW), expected));
  }
});
