import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Line, LineSplitter } from '../../src/ingest/line-splitter.ts';
import { seededRandom } from '../support/seeded-random.ts';

const MAX = 16;

/** What comes out for these pieces: `NUMBER:TEXT`, or `NUMBER!` for a line that was too long. */
function split(pieces: readonly (string | Buffer)[], bytesMax = MAX): readonly string[] {
  const splitter = new LineSplitter(() => bytesMax);
  const lines: Line[] = [];
  for (const piece of pieces) lines.push(...splitter.push(Buffer.from(piece)));
  lines.push(...splitter.end());
  return lines.map((line) =>
    line.kind === 'line' ? `${line.number}:${line.bytes.toString('utf8')}` : `${line.number}!`,
  );
}

/** The same by the plainest means: all of it at hand, cut at line feeds. */
function model(text: Buffer, bytesMax: number): readonly string[] {
  const lines = text.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, index) => {
    const whole = line.replace(/\r$/, '');
    return whole.length > bytesMax ? `${index + 1}!` : `${index + 1}:${whole}`;
  });
}

describe('LineSplitter', () => {
  const cases: readonly [string, readonly string[], ...string[]][] = [
    ['ends lines at LF', ['a\nbc\n'], '1:a', '2:bc'],
    ['ends lines at CRLF', ['a\r\nbc\r\n'], '1:a', '2:bc'],
    ['takes LF and CRLF together', ['a\nbc\r\nd\n'], '1:a', '2:bc', '3:d'],
    ['keeps a CR that is not before LF', ['a\rb\n'], '1:a\rb'],
    ['takes one CR off, not two', ['a\r\r\n'], '1:a\r'],
    ['sees a CRLF in two pieces', ['a\r', '\nb\r\n'], '1:a', '2:b'],
    ['gives a last line without its end', ['a\nbc'], '1:a', '2:bc'],
    ['takes the CR off a last line too', ['a\r'], '1:a'],
    ['gives and counts empty lines', ['\n\r\na\n'], '1:', '2:', '3:a'],
    ['gives nothing for nothing', ['', '']],
    ['takes a line of the full length', [`${'x'.repeat(MAX)}\r\n`], `1:${'x'.repeat(MAX)}`],
    ['skips a line that is a byte too long', [`${'x'.repeat(MAX + 1)}\nb\n`], '1!', '2:b'],
    ['skips a long line in pieces, and goes on', ['x'.repeat(10), 'x'.repeat(10), 'x\nb\n'], '1!', '2:b'],
    ['tells of a long line without its end', ['x'.repeat(99)], '1!'],
  ];
  for (const [what, pieces, ...lines] of cases) {
    it(what, () => assert.deepEqual(split(pieces), lines));
  }

  it('takes pieces cut at every byte', () => {
    const text = Buffer.from('{"data":"größer"}\r\n\n€\nlast €', 'utf8');
    const whole = split([text], 100);
    assert.deepEqual(whole, ['1:{"data":"größer"}', '2:', '3:€', '4:last €']);
    for (let at = 0; at <= text.length; at++) {
      assert.deepEqual(split([text.subarray(0, at), text.subarray(at)], 100), whole, `cut at ${at}`);
    }
    const single = Array.from(text, (_, at) => text.subarray(at, at + 1));
    assert.deepEqual(split(single, 100), whole, 'byte by byte');
  });

  it('joins a line of thousands of pieces', () => {
    const text = Array.from({ length: 5_000 }, (_, at) => String(at % 10));
    assert.deepEqual(split([...text, '\nb\n'], 10_000), [`1:${text.join('')}`, '2:b']);
  });

  it('measures by the limit as it is now', () => {
    let bytesMax = 2;
    const splitter = new LineSplitter(() => bytesMax);
    assert.deepEqual(
      [...splitter.push(Buffer.from('abc\n'))].map(({ kind }) => kind),
      ['oversize'],
    );
    bytesMax = 3;
    assert.deepEqual(
      [...splitter.push(Buffer.from('abc\n'))].map(({ kind }) => kind),
      ['line'],
    );
  });

  it('holds nothing of a line that is too long', () => {
    const splitter = new LineSplitter(() => 1_000);
    const piece = Buffer.alloc(65_536, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let sent = 0; sent < 4_000; sent++) {
      assert.deepEqual([...splitter.push(Buffer.from(piece))], []);
    }
    const kept = process.memoryUsage().arrayBuffers - before;
    assert.ok(kept < 128 * 1_048_576, `${kept} bytes are kept of 262 MB`);
    assert.deepEqual(
      [...splitter.end()].map(({ kind }) => kind),
      ['oversize'],
    );
  });

  it('gives what the model gives, for any text in any pieces', () => {
    const random = seededRandom(7);
    const below = (limit: number): number => Math.floor(random() * limit);
    for (let round = 0; round < 2_000; round++) {
      const bytesMax = 1 + below(12);
      const text = Buffer.from(Array.from({ length: below(80) }, () => 'ab\r\n'.charCodeAt(below(4))));
      const pieces: Buffer[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + below(10);
        pieces.push(text.subarray(at, at + length));
        at += length;
      }
      assert.deepEqual(
        split(pieces, bytesMax),
        model(text, bytesMax),
        JSON.stringify([String(text), bytesMax]),
      );
    }
  });
});
