import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesOf, frame, joined, LAST_CHUNK } from '../../src/stream/frame.ts';
import { payloadOfChunks } from '../support/fake-transport.ts';

const TEXTS: readonly [name: string, text: string, size: string][] = [
  ['one byte', 'a', '1'],
  ['one below a hexadecimal digit more', 'a'.repeat(15), 'f'],
  ['a hexadecimal digit more', 'a'.repeat(16), '10'],
  ['characters of two, three and four bytes', 'é€🌊', '9'],
  ['more than a pooled Buffer', 'x'.repeat(100_000), '186a0'],
  ['a lone surrogate, which becomes U+FFFD', '\ud800', '3'],
  ['bytes that look like a chunk', '0\r\n\r\n', '5'],
];

describe('frame', () => {
  for (const [name, text, size] of TEXTS) {
    it(`holds ${name} as a chunk and as its payload`, () => {
      const payload = Buffer.from(text, 'utf8');
      const framed = frame(text);
      assert.deepEqual(
        bytesOf(framed, 'chunked'),
        Buffer.concat([Buffer.from(`${size}\r\n`), payload, Buffer.from('\r\n')]),
      );
      assert.deepEqual(bytesOf(framed, 'raw'), payload);
      assert.deepEqual(payloadOfChunks(framed.chunk), payload);
    });
  }

  it('shares its memory between both formats', () => {
    const framed = frame('data:a\n\n');
    assert.equal(bytesOf(framed, 'chunked'), framed.chunk);
    assert.equal(bytesOf(framed, 'raw').buffer, framed.chunk.buffer);
  });

  it('joins several in order', () => {
    const frames = [frame('one'), frame('two'), frame('three')];
    assert.equal(joined(frames, 'chunked').toString(), '3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n');
    assert.equal(joined(frames, 'raw').toString(), 'onetwothree');
  });

  it('copies nothing when there is only one', () => {
    const only = frame('one');
    assert.equal(joined([only], 'chunked'), only.chunk);
  });

  it('has a last chunk without trailers', () => assert.equal(LAST_CHUNK.toString(), '0\r\n\r\n'));
});
