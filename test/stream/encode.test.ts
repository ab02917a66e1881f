import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EventId, eventId, ORIGIN } from '../../src/core/event-id.ts';
import { type Block, encode } from '../../src/stream/encode.ts';
import { frame } from '../../src/stream/frame.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeTransport } from '../support/fake-transport.ts';

const ID = eventId(1_700_000_000_000, 7);

/** Byte for byte as the contract has it: no space after a colon, LF only, a blank line at the end. */
const BLOCKS: readonly [name: string, block: Block, bytes: string][] = [
  ['an opening', { kind: 'opening', retryMs: 2000, head: ID }, 'retry:2000\nid:1700000000000-7\n\n'],
  ['an opening of an empty log', { kind: 'opening', retryMs: 2000, head: ORIGIN }, 'retry:2000\nid:0-0\n\n'],
  ['an opening that resumes', { kind: 'opening', retryMs: 1500 }, 'retry:1500\n\n'],
  ['an event', { kind: 'event', id: ID, data: 'hello' }, 'id:1700000000000-7\ndata:hello\n\n'],
  [
    'an event with a type',
    { kind: 'event', id: ID, type: 'price', data: '{"a":1}' },
    'id:1700000000000-7\nevent:price\ndata:{"a":1}\n\n',
  ],
  [
    'a challenge to a subject',
    { kind: 'challenge' },
    'event:challenge\ndata:{"method":"POST","headers":{"content-type":"application/x-challenge-response"}}\n\n',
  ],
  [
    'a challenge to a stream',
    { kind: 'challenge', challengeId: 'pod.abc' },
    'event:challenge\ndata:{"method":"POST","headers":{"content-type":"application/x-challenge-response","challenge-id":"pod.abc"}}\n\n',
  ],
  [
    'a gap',
    { kind: 'gap', requested: '5-0', oldest: ID },
    'event:gap\ndata:{"requested":"5-0","oldest":"1700000000000-7"}\n\n',
  ],
  [
    'a gap before nothing',
    { kind: 'gap', requested: 'rubbish', oldest: null },
    'event:gap\ndata:{"requested":"rubbish","oldest":null}\n\n',
  ],
  ['a position', { kind: 'position', id: ID }, 'id:1700000000000-7\n\n'],
  ['a heartbeat', { kind: 'heartbeat' }, ':\n\n'],
  [
    'an end for good',
    { kind: 'end', reason: 'token_expired' },
    'event:end\ndata:{"reason":"token_expired","reconnect":false}\n\n',
  ],
  [
    'an end for now',
    { kind: 'end', reason: 'draining', retryMs: 2100 },
    'retry:2100\nevent:end\ndata:{"reason":"draining","reconnect":true}\n\n',
  ],
  [
    'a turning away',
    { kind: 'turn_away', reason: 'full', retryMs: 9000 },
    'retry:9000\nevent:end\ndata:{"reason":"full","reconnect":true}\n\n',
  ],
];

/** What goes into `data`, its lines on the wire, and what a client reads back when that differs. */
const TEXTS: readonly [name: string, text: string, wire: string, readBack?: string][] = [
  ['nothing', '', 'data:\n'],
  ['a leading space', ' a', 'data:  a\n'],
  ['two leading spaces', '  a', 'data:   a\n'],
  ['only a space', ' ', 'data:  \n'],
  ['a leading colon', ':a', 'data::a\n'],
  ['a leading tab', '\ta', 'data:\ta\n'],
  ['LF', 'a\nb', 'data:a\ndata:b\n'],
  ['CR', 'a\rb', 'data:a\ndata:b\n', 'a\nb'],
  ['CRLF', 'a\r\nb', 'data:a\ndata:b\n', 'a\nb'],
  ['LF and CR, two breaks', 'a\n\rb', 'data:a\ndata:\ndata:b\n', 'a\n\nb'],
  ['a CR at the end', 'a\r', 'data:a\ndata:\n', 'a\n'],
  ['an LF at the end', 'a\n', 'data:a\ndata:\n'],
  ['only an LF', '\n', 'data:\ndata:\n'],
  ['a leading space on each line', ' a\n b', 'data:  a\ndata:  b\n'],
  [
    'what looks like a field',
    'a\nevent:end\nid:9-9\n\nretry:1',
    'data:a\ndata:event:end\ndata:id:9-9\ndata:\ndata:retry:1\n',
  ],
  ['an astral character', '🌊🏄‍♀️', 'data:🌊🏄‍♀️\n'],
  [
    'line separators that are none here',
    'a\u2028b\u2029c\u0085d\u000be\u000cf',
    'data:a\u2028b\u2029c\u0085d\u000be\u000cf\n',
  ],
  ['NUL', 'a\0b', 'data:a\0b\n'],
  ['a byte order mark', '\ufeffa', 'data:\ufeffa\n'],
  ['right to left', 'שלום', 'data:שלום\n'],
];

const INJECTIONS: readonly [name: string, block: Block, message: string][] = [
  ...['\n', '\r', '\0'].flatMap((character): [string, Block, string][] => {
    const text = `a${character}data:b`;
    const shown = JSON.stringify(character);
    return [
      [`${shown} in a type`, { kind: 'event', id: ID, type: text, data: '' }, 'event holds CR, LF or NUL'],
      [`${shown} in an event's id`, { kind: 'event', id: forged(text), data: '' }, 'id holds CR, LF or NUL'],
      [`${shown} in a position`, { kind: 'position', id: forged(text) }, 'id holds CR, LF or NUL'],
      [`${shown} in the head`, { kind: 'opening', retryMs: 1, head: forged(text) }, 'id holds CR, LF or NUL'],
    ];
  }),
];

describe('encode', () => {
  for (const [name, block, bytes] of BLOCKS) {
    it(`writes ${name}`, () => assert.equal(encode(block), bytes));
  }

  for (const [name, data, wire, readBack = data] of TEXTS) {
    it(`carries data with ${name}`, () => {
      const text = encode({ kind: 'event', id: ID, data });
      assert.equal(text, `id:${ID}\n${wire}\n`);
      assert.deepEqual(heard(text), [{ kind: 'event', id: ID, data: readBack }]);
    });
  }

  it('carries a type with a leading space', () => {
    const text = encode({ kind: 'event', id: ID, type: ' a', data: 'b' });
    assert.equal(text, `id:${ID}\nevent:  a\ndata:b\n\n`);
    assert.deepEqual(heard(text), [{ kind: 'event', id: ID, type: ' a', data: 'b' }]);
  });

  it('keeps what a client sent as its last id within the line of a gap', () => {
    const requested = '"\n\nevent:end\r\ndata:x\u2028';
    const text = encode({ kind: 'gap', requested, oldest: null });
    assert.equal(text.split('\n').length, 4);
    const [gap] = heard(text);
    assert.ok(gap?.kind === 'event');
    assert.deepEqual(JSON.parse(gap.data), { requested, oldest: null });
  });

  for (const [name, block, message] of INJECTIONS) {
    it(`refuses ${name}`, () => {
      assert.throws(() => encode(block), { name: 'TypeError', message });
    });
  }
});

function heard(text: string) {
  const transport = new FakeTransport('chunked', () => new FakeClock().now());
  transport.write(frame(text).chunk);
  return transport.heard;
}

/** What no parser of ids lets through, but the encoder must not rely on that. */
function forged(text: string): EventId {
  const id: unknown = text;
  assert.ok(isId(id));
  return id;
}

function isId(id: unknown): id is EventId {
  return typeof id === 'string';
}
