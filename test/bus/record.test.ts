import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRecord, writeRecord } from '../../src/bus/record.ts';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import type { Event } from '../../src/core/event.ts';

const PLAIN: Event = { topic: topic('events'), data: 'x', receivedAt: epochMs(1_700_000_000_000) };

describe('a record', () => {
  const events: Readonly<Record<string, Event>> = {
    'the least': PLAIN,
    'with a type': { ...PLAIN, type: 'note' },
    'with an empty type': { ...PLAIN, type: '' },
    'with an audience': { ...PLAIN, audience: { guard: 'main', subjects: [subject('a'), subject('b')] } },
    'with everything': { ...PLAIN, type: 't', audience: { guard: 'g', subjects: [subject('a')] } },
    'for nobody': { ...PLAIN, audience: { guard: 'g', subjects: [] } },
    'with empty data': { ...PLAIN, data: '' },
    'with data of several lines': { ...PLAIN, data: '\n\na\n["events",1]\nb\n' },
    'with data that looks like a record': { ...PLAIN, data: writeRecord({ ...PLAIN, type: 't' }) },
    'with quotes, backslashes, NUL and separators': { ...PLAIN, data: '"\\\0\u2028\u2029\r' },
    'with all of Unicode': { ...PLAIN, data: 'ü€😀\u{10ffff}', topic: topic('日本'), type: '😀' },
    'with a subject of any characters': {
      ...PLAIN,
      audience: { guard: 'g', subjects: [subject('a\nb"\\\0😀'), subject('')] },
    },
    'with a megabyte': { ...PLAIN, data: 'ab'.repeat(500_000) },
  };
  for (const [name, event] of Object.entries(events)) {
    it(`comes back as it was, ${name}`, () => assert.deepEqual(parseRecord(writeRecord(event)), event));
  }

  it('has its data at the end, as it is', () => {
    assert.equal(writeRecord({ ...PLAIN, data: '{"a": "b"}' }), '["events",1700000000000]\n{"a": "b"}');
  });

  const foreign: readonly string[] = [
    '',
    'x',
    '{"topic":"events"}\nx',
    '["events",1]',
    '\nx',
    'null\nx',
    '[]\nx',
    '["events"]\nx',
    '[1,1]\nx',
    '["events","1"]\nx',
    '["events",1,2]\nx',
    '["events",1,{}]\nx',
    // Never for all what was for some.
    '["events",1,null,"g"]\nx',
    '["events",1,null,null,["a"]]\nx',
    '["events",1,null,"g","a"]\nx',
    '["events",1,null,"g",["a",1]]\nx',
    '["events",1,null,7,["a"]]\nx',
  ];
  for (const text of foreign) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseRecord(text), undefined));
  }
});
