import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../support/until.ts';
import { RecordedSource } from './recorded-source.ts';

interface Case {
  readonly what: string;
  readonly stream: string | Uint8Array;
  /** `[data, id]` of messages; other types as `[data, id, type]`. */
  readonly events: readonly (readonly [string, string, string?])[];
  /** Where the stream is in the end. */
  readonly at?: string;
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** WHATWG HTML, 9.2.5 and 9.2.6. */
const CASES: readonly Case[] = [
  { what: 'nothing', stream: '', events: [] },
  {
    what: 'LF',
    stream: 'data:a\n\ndata:b\n\n',
    events: [
      ['a', ''],
      ['b', ''],
    ],
  },
  {
    what: 'CR',
    stream: 'data:a\r\rdata:b\r\r',
    events: [
      ['a', ''],
      ['b', ''],
    ],
  },
  {
    what: 'CRLF',
    stream: 'data:a\r\n\r\ndata:b\r\n\r\n',
    events: [
      ['a', ''],
      ['b', ''],
    ],
  },
  {
    what: 'all three',
    stream: 'data:a\r\n\ndata:b\r\r\ndata:c\n\r',
    events: [
      ['a', ''],
      ['b', ''],
      ['c', ''],
    ],
  },
  {
    what: 'a byte order mark',
    stream: joined(bytes(0xef, 0xbb, 0xbf), utf8('data:a\n\n')),
    events: [['a', '']],
  },
  { what: 'one mark only', stream: '\ufeff\ufeffdata:a\n\ndata:b\n\n', events: [['b', '']] },
  {
    what: 'one space after the colon',
    stream: 'data: a\n\ndata:  b\n\ndata:\tc\n\n',
    events: [
      ['a', ''],
      [' b', ''],
      ['\tc', ''],
    ],
  },
  { what: 'several lines of data', stream: 'data:a\ndata:\ndata: b\n\n', events: [['a\n\nb', '']] },
  {
    what: 'a field without colon',
    stream: 'data\n\ndata\ndata\n\n',
    events: [
      ['', ''],
      ['\n', ''],
    ],
  },
  { what: 'colons in a value', stream: 'data:a:b: c\n\n', events: [['a:b: c', '']] },
  { what: 'comments', stream: ':a\ndata:b\n: data:c\n\n:\n\n', events: [['b', '']] },
  { what: 'fields that it does not know', stream: 'Data:a\n data:b\ndata :c\ndatum:d\n\n', events: [] },
  {
    what: 'a type',
    stream: 'event:price\ndata:1\n\ndata:2\n\n',
    events: [
      ['1', '', 'price'],
      ['2', ''],
    ],
  },
  { what: 'a type without data', stream: 'event:price\n\ndata:1\n\n', events: [['1', '']] },
  { what: 'an empty type', stream: 'event:price\nevent:\ndata:1\n\n', events: [['1', '']] },
  {
    what: 'ids',
    stream: 'id:1\ndata:a\n\ndata:b\n\nid\ndata:c\n\n',
    events: [
      ['a', '1'],
      ['b', '1'],
      ['c', ''],
    ],
    at: '',
  },
  { what: 'an id without data', stream: 'data:a\n\nid:7\n\n', events: [['a', '']], at: '7' },
  {
    what: 'an id with NUL',
    stream: 'id:1\ndata:a\n\nid:2\0\ndata:b\n\n',
    events: [
      ['a', '1'],
      ['b', '1'],
    ],
    at: '1',
  },
  {
    what: 'an id of an event that was cut',
    stream: 'id:1\ndata:a\n\nid:2\ndata:b\n',
    events: [['a', '1']],
    at: '1',
  },
  { what: 'an event that was cut', stream: 'data:a\n\ndata:b', events: [['a', '']] },
  {
    what: 'characters of two, three and four bytes',
    stream: 'data:é€\u{1f30a}\nid:ü\n\n',
    events: [['é€\u{1f30a}', 'ü']],
    at: 'ü',
  },
  {
    what: 'bytes that are no UTF-8',
    stream: joined(utf8('data:'), bytes(0xff, 0x61, 0xc3), utf8('\n\n')),
    events: [['\ufffda\ufffd', '']],
  },
  {
    what: 'line separators of Unicode, which are none here',
    stream: 'data:a\u2028b\u0085c\n\n',
    events: [['a\u2028b\u0085c', '']],
  },
  {
    what: 'a type that means nothing to it',
    stream: 'event:end\ndata:of the line\n\nevent:price\ndata:1\n\n',
    events: [
      ['of the line', '', 'end'],
      ['1', '', 'price'],
    ],
  },
];

describe('a stream is read as the standard says', () => {
  for (const { what, stream, events, at } of CASES) {
    const whole = typeof stream === 'string' ? utf8(stream) : stream;
    it(`${what}, however it is cut`, async () => {
      for (const chunks of cuts(whole)) {
        using recorded = reading(chunks);
        await recorded.seen('error');
        const told = recorded.entries
          .filter(({ type }) => type !== 'open' && type !== 'error')
          .map(({ type, data, id }) => (type === 'message' ? [data, id] : [data, id, type]));
        assert.deepEqual(told, events, `${chunks.length} chunks of ${chunks[0]?.length} bytes first`);
        assert.equal(recorded.source.lastEventId, at ?? events.at(-1)?.[1] ?? '');
      }
    });
  }

  it('tells of an event as soon as its last line has ended, by CR too', async () => {
    for (const ending of ['\n\n', '\r\r', '\r\n\r\n', '\r\n\r']) {
      using recorded = reading([utf8(`data:a${ending}`)], false);
      await recorded.seen('message');
    }
  });

  it('takes `retry` of digits only', async () => {
    for (const [retry, taken] of [
      ['7', true],
      ['007', true],
      ['-7', false],
      ['7 ', false],
      ['7.0', false],
      ['', false],
      ['٧', false],
    ] as const) {
      let connections = 0;
      const fetch: typeof globalThis.fetch = (_url, init) => {
        connections += 1;
        return Promise.resolve(response([utf8(`retry:${retry}\n\n`)], init));
      };
      using recorded = new RecordedSource('https://stream.example/', { retryMs: 3_600_000, fetch });
      await recorded.seen('error');
      if (taken) await until(() => connections > 1, `it comes back after ${retry}`);
      else assert.equal(connections, 1, retry);
    }
  });

  it('gives up on an event that is larger than it is told to hold', async () => {
    for (const piece of ['x'.repeat(100), 'data:xxxxx\n']) {
      let sent = 0;
      const endless = new ReadableStream({
        pull: (controller) => {
          sent += piece.length;
          controller.enqueue(utf8(sent === piece.length ? `data:${piece}` : piece));
        },
      });
      const more = { eventCharactersMax: 1_000, fetch: () => Promise.resolve(new Response(endless, STREAM)) };
      using recorded = new RecordedSource('https://stream.example/', more);
      await recorded.closed();
      assert.deepEqual(recorded.codes, ['event_too_large']);
      assert.ok(sent < 4_000, `${sent} bytes were read`);
    }
  });
});

/** As a whole, byte by byte, and in every two parts. */
function* cuts(whole: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [whole];
  yield Array.from(whole, (byte) => bytes(byte));
  for (let at = 1; at < whole.length; at += 1) yield [whole.subarray(0, at), whole.subarray(at)];
}

/** A source whose stream comes in these chunks; it never comes back. */
function reading(chunks: readonly Uint8Array[], ends = true): RecordedSource {
  return new RecordedSource('https://stream.example/', {
    retryMs: 3_600_000,
    fetch: (_url, init) => Promise.resolve(response(chunks, init, ends)),
  });
}

function response(chunks: readonly Uint8Array[], init?: RequestInit, ends = true): Response {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      if (ends) return controller.close();
      init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
    },
  });
  return new Response(body, STREAM);
}

const STREAM: ResponseInit = { headers: { 'content-type': 'text/event-stream' } };
