import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertShallow, isPlain, jsonMembers } from '../../src/ingest/json-members.ts';
import { seededRandom } from '../support/seeded-random.ts';

describe('jsonMembers', () => {
  const cases: readonly [string, string, Readonly<Record<string, string>>][] = [
    ['nothing', '{ }', {}],
    [
      'values of every kind',
      '{"a":1.0,"b":"x","c":null,"d":[1],"e":{}}',
      { a: '1.0', b: '"x"', c: 'null', d: '[1]', e: '{}' },
    ],
    [
      'white space around and between',
      ' {\t"a" :\r[ 1 , { "b" : 2 } ]\n, "c" : true } ',
      { a: '[1,{"b":2}]', c: 'true' },
    ],
    [
      'texts that hold syntax',
      '{"a,\\"}":"{[\\\\","b":"]\\\\\\" ,"}',
      { 'a,"}': '"{[\\\\"', b: '"]\\\\\\" ,"' },
    ],
    ['a name by its meaning', '{"\\u0061":1}', { a: '1' }],
    ['the empty name', '{"":1}', { '': '1' }],
  ];
  for (const [what, text, members] of cases) {
    it(`finds ${what}`, () => assert.deepEqual(Object.fromEntries(jsonMembers(text)), members));
  }

  it('refuses a name that stands twice', () => {
    assert.throws(() => jsonMembers('{"a":1,"\\u0061":2}'), { code: 'duplicate_field' });
  });

  it('gives what JSON.parse reads, for any object in any layout', () => {
    const random = seededRandom(3);
    const below = (limit: number): number => Math.floor(random() * limit);
    const value = (depth: number): unknown => {
      const kind = below(depth > 3 ? 4 : 6);
      if (kind === 0) return below(1_000) / 8;
      if (kind === 1) return [true, false, null][below(3)];
      if (kind < 4)
        return Array.from({ length: below(6) }, () => '"\\{}[],: \t\na€😀'.charAt(below(16)))
          .join('')
          .toWellFormed();
      const values = Array.from({ length: below(4) }, () => value(depth + 1));
      return kind === 4 ? values : Object.fromEntries(values.map((each, at) => [`"${at}\\ ,`, each]));
    };
    for (let round = 0; round < 1_000; round++) {
      const object = Object.fromEntries(Array.from({ length: below(5) }, (_, at) => [`n ${at}`, value(0)]));
      const text = JSON.stringify(object, null, ['', ' ', '\t\t'][below(3)]);
      const found = Object.fromEntries(jsonMembers(text));
      const expected = Object.entries(object).map(([name, each]) => [name, JSON.stringify(each)]);
      assert.deepEqual(found, Object.fromEntries(expected), text);
    }
  });
});

describe('isPlain', () => {
  const cases: readonly [string, string, boolean][] = [
    ['texts', '{"a":"x","b":"y"}', true],
    ['a list of texts', '{ "a" : [ "x" , "y" ] }', true],
    ['an empty list', '{"a":[]}', true],
    ['nothing', '{}', true],
    ['a name that stands twice', '{"a":"x","a":"x"}', false],
    ['a text over a number', '{"a":1,"a":"x"}', false],
    ['a number', '{"a":1}', false],
    ['an escape', '{"a":"\\n"}', false],
    ['a list in a list', '{"a":[["x"]]}', false],
  ];
  for (const [what, text, plain] of cases) {
    it(`says ${plain} of ${what}`, () => assert.equal(isPlain(text, JSON.parse(text)), plain));
  }
});

describe('assertShallow', () => {
  const nest = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

  it('allows 64 levels beside the line itself', () => assertShallow(nest(64)));

  it('refuses one more', () => assert.throws(() => assertShallow(nest(65)), { code: 'too_deep' }));

  it('counts no bracket in a text, and none twice', () => {
    assertShallow(`{"a":"${'[{'.repeat(100)}\\"[[","b":[${'[],'.repeat(100)}{}]}`);
  });
});
