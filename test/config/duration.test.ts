import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration, formatDuration, parseDuration } from '../../src/config/duration.ts';

describe('parseDuration', () => {
  const cases: readonly [string, number | undefined][] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1h0m1s5ms', 3_601_005],
    ['0s', 0],
    ['', undefined],
    ['10', undefined],
    ['10 s', undefined],
    ['1.5h', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['s', undefined],
    ['10s\n', undefined],
    ['1000000000s', undefined],
    ['1s'.repeat(17), undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)} as ${expected}`, () => assert.equal(parseDuration(text), expected));
  }
});

describe('formatDuration', () => {
  const cases: readonly [number, string][] = [
    [0, '0s'],
    [500, '500ms'],
    [90_000, '1m30s'],
    [5_400_000, '1h30m'],
    [86_400_000, '24h'],
  ];
  for (const [milliseconds, text] of cases) {
    it(`writes ${milliseconds} ms as ${text}, which reads back`, () => {
      assert.equal(formatDuration(milliseconds), text);
      assert.equal(parseDuration(text), milliseconds);
    });
  }
});

describe('duration', () => {
  it('takes both ends of its range', () => {
    assert.equal(duration('1s', '1h').parse('1s'), 1_000);
    assert.equal(duration('1s', '1h').parse('60m'), 3_600_000);
  });

  it('refuses to be built from what is not a duration', () => {
    assert.throws(() => duration('1', '1h'), new TypeError('1 is not a duration'));
  });
});
