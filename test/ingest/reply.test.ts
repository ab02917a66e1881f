import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventId } from '../../src/core/event-id.ts';
import { type Reply, writeReply } from '../../src/ingest/reply.ts';

describe('writeReply', () => {
  const error = { code: 'no_data', message: 'the field "data" is missing', line: 3 } as const;
  const cases: readonly [Reply, string][] = [
    [{ id: eventId(5, 0), ref: '7' }, '{"ref":"7","id":"5-0"}\n'],
    [{ id: eventId(5, 0) }, '{"id":"5-0"}\n'],
    [{ error }, '{"error":{"code":"no_data","message":"the field \\"data\\" is missing","line":3}}\n'],
    [
      { error, ref: 'a"b' },
      '{"ref":"a\\"b","error":{"code":"no_data","message":"the field \\"data\\" is missing","line":3}}\n',
    ],
  ];
  for (const [reply, text] of cases) {
    it(`writes ${text.trim()}`, () => assert.equal(writeReply(reply), text));
  }
});
