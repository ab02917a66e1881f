import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compareEventIds,
  type EventId,
  eventId,
  millisecondsOf,
  ORIGIN,
  parseEventId,
  sequenceOf,
} from '../../src/core/event-id.ts';

function parsed(text: string): EventId {
  const id = parseEventId(text);
  assert.ok(id, text);
  return id;
}

describe('parseEventId', () => {
  const good = ['0-0', '1-0', '1700000000000-12', '9007199254740991-9007199254740991'];
  for (const text of good) it(`takes ${text}`, () => assert.equal(parseEventId(text), text));

  const bad = [
    ...['', '-', '1', '1-', '-1', '1-1-1', '1_1', '$', '*', '+', '1-*'],
    ...['01-0', '1-00', '+1-0', '-1-0', '1.0-0', '1e3-0', '0x1-0'],
    ...[' 1-0', '1-0 ', '1-0\n', '1 -0', '１-0', 'a-b', '1-0,2-0'],
    ...['9007199254740992-0', '0-9007199254740992', '18446744073709551615-0', `${'9'.repeat(300)}-0`],
  ];
  for (const text of bad) {
    it(`refuses ${JSON.stringify(text).slice(0, 30)}`, () => assert.equal(parseEventId(text), undefined));
  }
});

describe('compareEventIds', () => {
  it('orders by numbers, not by letters', () => {
    const order = [
      '0-0',
      '0-1',
      '2-0',
      '2-9',
      '2-10',
      '10-0',
      '1700000000000-0',
      '1700000000000-9',
      '1700000000000-10',
      '1700000000001-2',
      '1700000000001-10',
      '9007199254740991-9007199254740991',
    ];
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) {
        const compared = compareEventIds(parsed(a), parsed(b));
        assert.equal(Math.sign(compared), Math.sign(i - j), `${a} against ${b}`);
      }
    }
  });

  it('has nothing before the origin', () => assert.ok(compareEventIds(ORIGIN, eventId(0, 1)) < 0));
});

describe('an event id', () => {
  it('has two parts', () => {
    const id = eventId(1_700_000_000_000, 12);
    assert.equal(id, '1700000000000-12');
    assert.deepEqual([millisecondsOf(id), sequenceOf(id)], [1_700_000_000_000, 12]);
  });
});
