import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEntry, parseLiveMessage } from '../../src/bus/live-message.ts';
import { writeRecord } from '../../src/bus/record.ts';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import type { Event } from '../../src/core/event.ts';

const EVENT: Event = {
  topic: topic('a b'),
  type: 'c d',
  data: ' e  f\n? g 1-1 h',
  receivedAt: epochMs(5),
  audience: { guard: 'main', subjects: [subject('a b')] },
};

describe('a live message', () => {
  it('is an event, with its place and the one before', () => {
    assert.deepEqual(parseLiveMessage(`12-3 11-0 ${writeRecord(EVENT)}`), {
      kind: 'event',
      event: { ...EVENT, id: '12-3', previous: '11-0' },
    });
  });

  it('is a probe, with where the log stands', () => {
    assert.deepEqual(parseLiveMessage('? nonce 12-3 generation'), {
      kind: 'probe',
      nonce: 'nonce',
      head: '12-3',
      generation: 'generation',
    });
  });

  const record = writeRecord(EVENT);
  const foreign: readonly string[] = [
    '',
    ' ',
    'hello',
    '12-3',
    '12-3 11-0',
    '12-3 11-0 ',
    `12-3 ${record}`,
    `12-3 x ${record}`,
    `x 11-0 ${record}`,
    `12 11-0 ${record}`,
    ` 12-3 11-0 ${record}`,
    '?',
    '? ',
    '? nonce',
    '? nonce 12-3',
    '? nonce x generation',
    '?nonce 12-3 generation',
  ];
  for (const text of foreign) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseLiveMessage(text), undefined));
  }
});

describe('an entry of the log', () => {
  it('is an event when it has a place, the one before and a record', () => {
    assert.deepEqual(parseEntry('2-0', '1-0', writeRecord(EVENT)), { ...EVENT, id: '2-0', previous: '1-0' });
    for (const [id, previous, text] of [
      ['x', '1-0', writeRecord(EVENT)],
      ['2-0', '', writeRecord(EVENT)],
      ['2-0', '1-0', ''],
    ] as const) {
      assert.equal(parseEntry(id, previous, text), undefined);
    }
  });
});
