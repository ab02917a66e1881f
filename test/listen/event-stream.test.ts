import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMessages, type StreamMessage } from '../../src/listen/event-stream.ts';

const deaf = { heard() {}, listening() {}, stop() {} };

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function all(messages: AsyncIterable<StreamMessage>): Promise<readonly StreamMessage[]> {
  const list: StreamMessage[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

describe('readMessages', () => {
  it('gives a block as position, retry and event, in order', async () => {
    const bytes = chunks('retry:1500\nid:1-0\n\n:\n\nid:2-0\nevent:a\ndata:b\ndata: c\n\ndata:d\n\n');
    assert.deepEqual(await all(readMessages(bytes, deaf)), [
      { kind: 'retry', ms: 1500 },
      { kind: 'position', id: '1-0' },
      { kind: 'position', id: '2-0' },
      { kind: 'event', id: '2-0', type: 'a', data: 'b\nc' },
      { kind: 'event', id: undefined, type: 'message', data: 'd' },
    ]);
  });

  it('gives the same however the bytes are cut', async () => {
    const text = Buffer.from('id:1-0\ndata:日本 👩‍🚀\n\n');
    const bytes = chunks(...Array.from(text, (byte) => Uint8Array.of(byte)));
    assert.deepEqual((await all(readMessages(bytes, deaf))).at(-1), {
      kind: 'event',
      id: '1-0',
      type: 'message',
      data: '日本 👩‍🚀',
    });
  });

  it('drops what lacks its blank line', async () => {
    assert.deepEqual(await all(readMessages(chunks('id:1-0\ndata:a\n'), deaf)), []);
  });

  it('asks for no more bytes before all messages are taken', async () => {
    let asked = 0;
    async function* counted() {
      for (;;) {
        asked++;
        yield Buffer.from('data:a\n\ndata:b\n\n');
      }
    }
    const messages = readMessages(counted(), deaf);
    await messages.next();
    await messages.next();
    assert.equal(asked, 1);
    await messages.next();
    assert.equal(asked, 2);
    await messages.return();
  });

  it('holds no more than 20 Mi characters of a block', async () => {
    const mebi = 'x'.repeat(1024 * 1024);
    const bytes = chunks('data:a\n\ndata:', ...Array.from({ length: 21 }, () => mebi));
    const messages = readMessages(bytes, deaf);
    assert.equal((await messages.next()).done, false);
    await assert.rejects(messages.next(), { name: 'StreamError', code: 'block_too_large' });
  });
});
