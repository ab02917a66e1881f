import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSize, size } from '../../src/config/size.ts';

describe('parseSize', () => {
  const cases: readonly [unknown, number | undefined][] = [
    [0, 0],
    [4096, 4096],
    ['4096', 4096],
    ['256Ki', 262_144],
    ['64Mi', 67_108_864],
    ['1Gi', 1_073_741_824],
    [1.5, undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ['1.5Mi', undefined],
    ['-1', undefined],
    ['1MB', undefined],
    ['1M', undefined],
    ['256ki', undefined],
    ['256 Ki', undefined],
    ['999999999999999Gi', undefined],
    ['', undefined],
    [null, undefined],
    [true, undefined],
    [['1'], undefined],
  ];
  for (const [value, expected] of cases) {
    it(`reads ${JSON.stringify(value)} as ${expected}`, () => assert.equal(parseSize(value), expected));
  }
});

describe('size', () => {
  it('refuses to be built from what is not a size', () => {
    assert.throws(() => size('1K', '1Mi'), new TypeError('1K is not a size'));
  });
});
