import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { didYouMean, nearest } from '../../src/config/nearest.ts';

const FIELDS = ['leadTime', 'answer', 'uri', 'inline', 'configMapKeyRef'];

describe('nearest', () => {
  const cases: readonly [string, string | undefined][] = [
    ['leadtime', 'leadTime'],
    ['leadTiem', 'leadTime'],
    ['lead_time', 'leadTime'],
    ['ansewr', 'answer'],
    ['url', 'uri'],
    ['ur', 'uri'],
    ['configMapRef', 'configMapKeyRef'],
    ['x', undefined],
    ['', undefined],
    ['wholly-other', undefined],
    ['a'.repeat(65), undefined],
  ];
  for (const [name, expected] of cases) {
    it(`takes ${JSON.stringify(name.slice(0, 20))} for ${expected}`, () => {
      assert.equal(nearest(name, FIELDS), expected);
    });
  }

  it('prefers the nearer of two', () =>
    assert.equal(nearest('audience', ['audio', 'audiences']), 'audiences'));
});

describe('didYouMean', () => {
  it('ends a sentence, or leaves it alone', () => {
    assert.equal(didYouMean('leadtime', FIELDS), ', did you mean "leadTime"?');
    assert.equal(didYouMean('nothing-near', FIELDS), '');
  });
});
