import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseKept, parseRevocationMessage } from '../../src/bus/revocation-message.ts';

const KEY = 'k'.repeat(43);

describe('a message on the channel of revocations', () => {
  it('names the version before it, its own, and what is new', () => {
    assert.deepEqual(parseRevocationMessage(`- v1 ${KEY}:5:10 ${KEY}:6:11`), {
      previous: '-',
      version: 'v1',
      revocations: [
        { key: KEY, before: 5, expiresAt: 10 },
        { key: KEY, before: 6, expiresAt: 11 },
      ],
    });
  });

  for (const text of [
    '',
    '-',
    '- ',
    ' v1',
    `- v1 ${KEY}`,
    `- v1 ${KEY}:5`,
    `- v1 k:5:10`,
    `- v1 ${KEY}:-5:1e9`,
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseRevocationMessage(text), undefined));
  }
});

describe('a revocation as it is kept', () => {
  it('is its instant and its expiry', () => {
    assert.deepEqual(parseKept(KEY, '5 10'), { key: KEY, before: 5, expiresAt: 10 });
  });

  for (const value of ['', '5', '5 x', 'x 5']) {
    it(`is not ${JSON.stringify(value)}`, () => assert.equal(parseKept(KEY, value), undefined));
  }
});
