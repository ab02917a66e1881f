import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, subject } from '../../src/core/brand.ts';
import type { Grant } from '../../src/guard/grant.ts';
import { ANSWER_OUTCOMES } from '../../src/http/owner.ts';
import { parseOutcome, parseQuestion, writeQuestion } from '../../src/http/owner-message.ts';

const LEAST: Grant = {
  guard: 'main',
  guardUid: 'u',
  generation: 1,
  subject: undefined,
  session: undefined,
  scopes: new Set(),
  expiresAt: epochMs(2000),
  closeAt: epochMs(3000),
  issuedAt: undefined,
  claims: {},
  algorithm: 'ES256',
  keyThumbprint: 'k',
  tokenHash: 'h',
};
const FULL: Grant = {
  ...LEAST,
  subject: subject('al"ice\n\0\u2028 😀 \ud800'),
  session: '',
  scopes: new Set(['a', 'b', '']),
  issuedAt: epochMs(-1),
  claims: { sub: 'x', 'https://x/y': [1, null, { z: true }], ['__proto__']: 1, text: 'line\nbreak' },
};

describe('a question to an owner', () => {
  for (const [name, grant] of [
    ['the least grant', LEAST],
    ['a grant with everything', FULL],
  ] as const) {
    it(`comes back as it was with ${name}`, () => {
      const subject = { kind: 'subject', grant } as const;
      const challenge = { kind: 'challenge', challengeId: 'pod.x', grant } as const;
      assert.deepEqual(parseQuestion(writeQuestion(subject)), subject);
      assert.deepEqual(parseQuestion(writeQuestion(challenge)), challenge);
    });
  }

  it('is one line of text without lone surrogates, whatever the token holds', () => {
    const text = writeQuestion({ kind: 'subject', grant: FULL });
    assert.ok(text.isWellFormed());
    assert.doesNotMatch(text, /[\n\0]/);
  });

  it('may hold more than this version knows of', () => {
    const text = JSON.stringify({ kind: 'subject', newer: 1, grant: { ...plain(LEAST), newer: 1 } });
    assert.deepEqual(parseQuestion(text), { kind: 'subject', grant: LEAST });
  });

  const good = { kind: 'challenge', challengeId: 'pod.x', grant: plain(FULL) };
  const foreign: readonly string[] = [
    '',
    'x',
    '{',
    'null',
    '1',
    '[]',
    '{}',
    '"subject"',
    ...[
      { ...good, kind: 'other' },
      { ...good, kind: undefined },
      { ...good, challengeId: undefined },
      { ...good, challengeId: 7 },
      { ...good, grant: undefined },
      { ...good, grant: null },
      { ...good, grant: [] },
      { ...good, grant: 'x' },
    ].map((each) => JSON.stringify(each)),
  ];
  for (const text of foreign) {
    it(`is not ${text.slice(0, 60)}`, () => assert.equal(parseQuestion(text), undefined));
  }

  const values = [null, true, 'x', 7, [], {}, [7], undefined];
  const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
    guard: isText,
    guardUid: isText,
    algorithm: isText,
    keyThumbprint: isText,
    tokenHash: isText,
    generation: isNumber,
    expiresAt: isNumber,
    closeAt: isNumber,
    issuedAt: (value) => value === undefined || isNumber(value),
    subject: (value) => value === undefined || isText(value),
    session: (value) => value === undefined || isText(value),
    scopes: (value) => Array.isArray(value) && value.every(isText),
    claims: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  };
  for (const field of Object.keys(LEAST)) {
    it(`is not one with another kind of ${field}`, () => {
      for (const value of values) {
        const text = JSON.stringify({ ...good, grant: { ...plain(FULL), [field]: value } });
        assert.equal(parseQuestion(text) !== undefined, fits[field]?.(value), text);
      }
    });
  }

  it('is not one whose end is beyond all numbers', () => {
    for (const field of ['expiresAt', 'closeAt', 'issuedAt', 'generation']) {
      const text = JSON.stringify({ ...good, grant: { ...plain(FULL), [field]: 'HERE' } });
      assert.equal(parseQuestion(text.replace('"HERE"', '1e999')), undefined, field);
    }
  });
});

describe('an outcome', () => {
  it('is one of those there are', () => {
    for (const outcome of ANSWER_OUTCOMES) assert.equal(parseOutcome(outcome), outcome);
    for (const text of ['', 'Applied', 'applied ', 'ok', 'toString', '{}'])
      assert.equal(parseOutcome(text), undefined);
  });
});

function plain(grant: Grant): object {
  return { ...grant, scopes: [...grant.scopes] };
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
