import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLiveMessage as parseBytes, parseEntry } from '../../src/bus/live-message.ts';
import { writeRecord } from '../../src/bus/record.ts';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import type { Event } from '../../src/core/event.ts';

const parseLiveMessage = (message: string) => parseBytes(Buffer.from(message));

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

  it('is read by itself, whatever came before it', () => {
    const PLAIN: Event = { topic: topic('e'), data: 'x', receivedAt: epochMs(5) };
    const heads: readonly Event[] = [
      PLAIN,
      { ...PLAIN, receivedAt: epochMs(50) },
      { ...PLAIN, topic: topic('é') },
      // As characters what the one before is as bytes.
      { ...PLAIN, topic: topic('Ã©') },
      { ...PLAIN, type: 'e' },
      { ...PLAIN, audience: { guard: 'main', subjects: [subject('日本')] } },
      { ...PLAIN, data: '' },
      { ...PLAIN, data: '日本 \u{10ffff}' },
    ];
    const places = [
      ['12-3', '12-2'],
      ['12-4', '12-3'],
      ['12-34', '12-3'],
      ['12-35', '12-34'],
      ['13-0', '12-3'],
      ['13-1', '1-0'],
    ] as const;
    for (const first of heads) {
      for (const second of heads) {
        for (const [id, previous] of places) {
          for (const event of [first, second]) {
            assert.deepEqual(parseLiveMessage(`${id} ${previous} ${writeRecord(event)}`), {
              kind: 'event',
              event: { ...event, id, previous },
            });
          }
        }
      }
    }
  });

  it('does not change with the bytes that it was read from', () => {
    const bytes = Buffer.from(`12-3 11-0 ${writeRecord(EVENT)}`);
    const message = parseBytes(bytes);
    bytes.fill('x');
    assert.deepEqual(message, { kind: 'event', event: { ...EVENT, id: '12-3', previous: '11-0' } });
    assert.deepEqual(parseLiveMessage(`12-4 12-3 ${writeRecord(EVENT)}`), {
      kind: 'event',
      event: { ...EVENT, id: '12-4', previous: '12-3' },
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
    `12-3 11-0 ${record.slice(0, record.indexOf('\n'))}`,
    `12-3 11-0${record}`,
    `12-3 11-é ${record}`,
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
