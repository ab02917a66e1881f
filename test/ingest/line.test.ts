import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { parseLine, refOf } from '../../src/ingest/line.ts';
import { LineError, type LineErrorCode } from '../../src/ingest/line-error.ts';
import { seededRandom } from '../support/seeded-random.ts';

const NOW = epochMs(1_700_000_000_000);
const DATA_BYTES_MAX = 1_000;

function parse(line: string | Buffer) {
  return parseLine(Buffer.from(line), DATA_BYTES_MAX, NOW);
}

function dataOf(line: string | Buffer): string {
  return parse(line).event.data;
}

/** `length` arrays within one another. */
function nested(length: number): string {
  return '['.repeat(length) + ']'.repeat(length);
}

describe('parseLine', () => {
  it('takes the least line', () => {
    assert.deepEqual(parse('{"data":"x"}'), {
      event: { topic: 'events', data: 'x', receivedAt: NOW },
      to: undefined,
      guard: undefined,
      ref: undefined,
      key: undefined,
    });
  });

  it('takes every field', () => {
    const line = { data: 'x', event: 't', topic: 'a', to: ['b', 'c'], guard: 'g', ref: 'r', key: 'k' };
    assert.deepEqual(parse(JSON.stringify(line)), {
      event: { topic: 'a', type: 't', data: 'x', receivedAt: NOW },
      to: ['b', 'c'],
      guard: 'g',
      ref: 'r',
      key: 'k',
    });
  });

  it('takes name for event, and one subject without a list', () => {
    const { event, to } = parse('{"name":"t","to":"b","data":1}');
    assert.deepEqual([event.type, to], ['t', ['b']]);
  });

  const data: readonly [string, string, string][] = [
    ['text as it reads', '{"data":"a \\"b\\" \\u20ac \\ud83d\\ude00\\n"}', 'a "b" € 😀\n'],
    ['text with a backslash before u', '{"data":"\\\\ud800"}', '\\ud800'],
    ['empty text', '{"data":""}', ''],
    ['NUL and other control characters', '{"data":"\\u0000\\u0007"}', '\0\x07'],
    ['text that looks like a line', '{"data":"{\\"data\\":\\"x\\"}"}', '{"data":"x"}'],
    ['a number', '{"data":1}', '1'],
    ['null', '{"data":null}', 'null'],
    ['false', '{"data": false }', 'false'],
    ['an integer beyond 2^53', '{"data":12345678901234567890}', '12345678901234567890'],
    ['a number beyond doubles', '{"data":1e400}', '1e400'],
    ['decimals that say nothing', '{"data":[1.0,1.50,-0,1E+2]}', '[1.0,1.50,-0,1E+2]'],
    [
      'an object without white space between tokens',
      '{"data": {"a" : [ 1 ,\t2 ] , "b c" : "d  e" } }',
      '{"a":[1,2],"b c":"d  e"}',
    ],
    ['members in their order, twice if so', '{"data":{"b":1,"a":2,"b":3}}', '{"b":1,"a":2,"b":3}'],
    [
      'escapes within as they are',
      '{"data":{"\\u0061":"\\u0062\\/\\ud83d\\ude00"}}',
      '{"\\u0061":"\\u0062\\/\\ud83d\\ude00"}',
    ],
    ['quotes, braces and commas in texts', '{"data":["}\\"],{","\\\\"]}', '["}\\"],{","\\\\"]'],
    ['a list of texts', '{"data":["a","b"],"ref":"1"}', '["a","b"]'],
    ['64 levels', `{"data":${nested(64)}}`, nested(64)],
  ];
  for (const [what, line, expected] of data) {
    it(`sends ${what}`, () => assert.equal(dataOf(line), expected));
  }

  it('takes white space wherever JSON does', () => {
    const { event, ref } = parse(' \t{ "data" :\t"a b" , "ref" : "1" } ');
    assert.deepEqual([event.data, ref], ['a b', '1']);
  });

  it('takes data of exactly the largest size, in bytes', () => {
    assert.equal(dataOf(`{"data":"${'€'.repeat(333)}x"}`).length, 334);
  });

  const refusals: readonly [LineErrorCode, string, string | Buffer][] = [
    ['not_json', 'a word', 'hello'],
    ['not_json', 'half a line', '{"data":"x'],
    ['not_json', 'two objects', '{"data":1}{"data":2}'],
    ['not_json', 'a comma too many', '{"data":1,}'],
    ['not_json', 'a byte order mark', '\ufeff{"data":1}'],
    ['not_json', 'a raw control character', '{"data":"a\tb"}'],
    ['not_json', 'brackets that are never closed', '['.repeat(200_000)],
    ['not_object', 'a list', '[{"data":1}]'],
    ['not_object', 'a text', '"data"'],
    ['not_object', 'null', 'null'],
    ['not_object', 'a list that is far too deep', nested(100_000)],
    ['no_data', 'nothing', '{}'],
    ['no_data', 'a topic alone', '{"topic":"a"}'],
    ['bad_utf8', 'a lone byte', Buffer.from([...Buffer.from('{"data":"'), 0xff, ...Buffer.from('"}')])],
    ['bad_utf8', 'an overlong slash', Buffer.from([...Buffer.from('{"data":"'), 0xc0, 0xaf, 0x22, 0x7d])],
    [
      'bad_utf8',
      'a surrogate in UTF-8',
      Buffer.from([...Buffer.from('{"data":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d]),
    ],
    ['lone_surrogate', 'half a pair in text', '{"data":"\\ud83d"}'],
    ['lone_surrogate', 'the second half first', '{"data":"\\ude00\\ud83d"}'],
    ['lone_surrogate', 'half a pair deep within', '{"data":{"a":[{"b":"x\\uD800y"}]}}'],
    ['lone_surrogate', 'half a pair in a name', '{"data":{"\\udc00":1}}'],
    ['lone_surrogate', 'half a pair that is overridden, but sent', '{"data":{"a":"\\ud800","a":1}}'],
    ['lone_surrogate', 'half a pair after a backslash', '{"data":["\\\\\\ud800"]}'],
    ['lone_surrogate', 'half a pair in event', '{"data":1,"event":"\\ud800"}'],
    ['lone_surrogate', 'half a pair in to', '{"data":1,"to":"\\ud800"}'],
    ['too_deep', '65 levels', `{"data":${nested(65)}}`],
    ['too_deep', 'levels without end', `{"data":${nested(100_000)}}`],
    ['too_deep', 'depth in another field', `{"data":1,"to":${nested(65)}}`],
    ['too_large', 'text over the limit', `{"data":"${'x'.repeat(1_001)}"}`],
    ['too_large', 'text over it in bytes only', `{"data":"${'€'.repeat(334)}"}`],
    ['too_large', 'an object over it', `{"data":["${'x'.repeat(1_000)}"]}`],
    ['unknown_field', 'a typo in to', '{"data":"x","too":"alice"}'],
    ['unknown_field', 'another case', '{"Data":"x","data":"y"}'],
    ['unknown_field', '__proto__', '{"data":"x","__proto__":{"to":"alice"}}'],
    ['unknown_field', 'toString', '{"data":"x","toString":"y"}'],
    ['duplicate_field', 'to twice', '{"data":"x","to":"alice","to":"bob"}'],
    ['duplicate_field', 'data twice', '{"data":"x","data":"x"}'],
    ['duplicate_field', 'a list in place of a text', '{"to":["a","b"],"data":"x","to":"a"}'],
    ['duplicate_field', 'a number before the text', '{"data":1,"data":"x"}'],
    ['duplicate_field', 'the same name in other letters', '{"data":"x","d\\u0061ta":"y"}'],
    ['duplicate_field', 'event and name', '{"data":"x","event":"a","name":"a"}'],
    ['bad_event', 'a number', '{"data":1,"event":1}'],
    ['bad_event', 'null', '{"data":1,"event":null}'],
    ['bad_event', 'null as name', '{"data":1,"name":null}'],
    ['bad_event', 'nothing', '{"data":1,"event":""}'],
    ['bad_event', 'CR', '{"data":1,"event":"a\\rb"}'],
    ['bad_event', 'LF', '{"data":1,"event":"a\\nb"}'],
    ['bad_event', 'NUL', '{"data":1,"event":"a\\u0000b"}'],
    ['bad_event', '257 characters', `{"data":1,"event":"${'x'.repeat(257)}"}`],
    ['reserved_event', 'challenge', '{"data":1,"event":"challenge"}'],
    ['reserved_event', 'gap, as name', '{"data":1,"name":"gap"}'],
    ['reserved_event', 'end, escaped', '{"data":1,"event":"\\u0065nd"}'],
    ['bad_topic', 'a list', '{"data":1,"topic":["a"]}'],
    ['bad_topic', 'nothing', '{"data":1,"topic":""}'],
    ['bad_topic', 'CR', '{"data":1,"topic":"a\\r"}'],
    ['bad_topic', 'LF', '{"data":1,"topic":"\\na"}'],
    ['bad_topic', 'NUL', '{"data":1,"topic":"\\u0000"}'],
    ['bad_to', 'an empty list', '{"data":1,"to":[]}'],
    ['bad_to', 'an empty text', '{"data":1,"to":""}'],
    ['bad_to', 'an empty text in a list', '{"data":1,"to":["a",""]}'],
    ['bad_to', 'null', '{"data":1,"to":null}'],
    ['bad_to', 'a number', '{"data":1,"to":7}'],
    ['bad_to', 'a list in a list', '{"data":1,"to":[["a"]]}'],
    ['bad_to', '1,001 subjects', JSON.stringify({ data: 1, to: Array.from({ length: 1_001 }, String) })],
    ['bad_guard', 'nothing', '{"data":1,"to":"a","guard":""}'],
    ['bad_ref', 'a number', '{"data":1,"ref":1}'],
    ['bad_ref', 'LF', '{"data":1,"ref":"a\\n"}'],
    ['bad_key', 'a number', '{"data":1,"key":1}'],
  ];
  for (const [code, what, line] of refusals) {
    it(`refuses ${what}: ${code}`, () => assert.throws(() => parse(line), { name: 'LineError', code }));
  }

  it('never quotes the line', () => {
    for (const [, , line] of refusals) {
      const secret = String(line).replace(/"data"/, '"data":"s3cret","x"');
      assert.throws(
        () => parse(secret),
        (error) => error instanceof LineError && !`${error.message}${error.cause ?? ''}`.includes('s3cret'),
      );
    }
  });

  it('finds a name that stands twice, wherever it stands and however it is written', () => {
    const random = seededRandom(11);
    const pick = <Value>(values: readonly Value[]): Value =>
      values[Math.floor(random() * values.length)] as Value;
    const members = [
      ...['"data":"x"', '"data":"a\\"b"', '"data":""', '"data":["a"]', '"data" : {"data":1}'],
      ...['"topic":"t"', '"to":["a","b"]', '"to":"a"', '"event":"e"', '"ref":"r"', '"r\\u0065f":"r"'],
    ];
    const names: Record<string, string> = { '"r\\u0065f"': 'ref' };
    const nameOf = (member: string): string => {
      const [name = ''] = member.split(/ ?:/);
      return names[name] ?? name.slice(1, -1);
    };
    for (let round = 0; round < 3_000; round++) {
      const chosen = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(members));
      const line = `{${chosen.join(pick([',', ' , ']))}}`;
      const told = chosen.map(nameOf);
      const expected =
        new Set(told).size < told.length ? 'duplicate_field' : told.includes('data') ? 'fine' : 'no_data';
      assert.equal(verdict(line), expected, line);
    }
  });
});

function verdict(line: string): string {
  try {
    parse(line);
    return 'fine';
  } catch (error) {
    assert.ok(error instanceof LineError);
    return error.code;
  }
}

describe('refOf', () => {
  const cases: readonly [string, string, string | undefined][] = [
    ['tells the reference of a line that was refused', '{"ref":"7","data":"x"}', '7'],
    ['tells nothing of what is not JSON', '{"ref":"7"', undefined],
    ['tells nothing of a reference that is refused itself', '{"ref":7}', undefined],
    ['tells nothing where there is none', '{"data":"x"}', undefined],
    ['tells nothing of a list', '[]', undefined],
    ['stands any depth', `{"data":${nested(100_000)},"ref":"7"}`, '7'],
  ];
  for (const [what, line, ref] of cases) {
    it(what, () => assert.equal(refOf(Buffer.from(line)), ref));
  }
});
