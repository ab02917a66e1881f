import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../src/core/coded-error.ts';
import { createLog, LOG_LEVELS, type LogFields } from '../../src/core/log.ts';

function written(fields: LogFields, readable = false, level: 'info' | 'warn' = 'info'): string {
  let text = '';
  const log = createLog(
    'debug',
    (line) => {
      text += line;
    },
    readable,
  );
  log[level]('a message', fields);
  return text;
}

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;
const SECRET = new Error('outer', { cause: new Error('the cause is not told') });
Object.assign(SECRET, { token: 'not told either' });

/** What may stand in a field, and how it is told. */
const FIELDS: readonly [string, unknown, unknown, string][] = [
  ['a text', 'a b', 'a b', '"a b"'],
  ['a plain text', 'events/1:2', 'events/1:2', 'events/1:2'],
  ['a text with line feeds', 'a\nb\x1b[31m', 'a\nb\x1b[31m', '"a\\nb\\u001b[31m"'],
  ['a number', 1.5, 1.5, '1.5'],
  ['no number', Number.NaN, null, 'null'],
  ['a big integer', 12n, '12', '12'],
  ['a list', [1, 'b'], [1, 'b'], '[1,"b"]'],
  ['nothing', undefined, undefined, 'undefined'],
  ['a function', () => 1, undefined, 'undefined'],
  ['a cycle', cycle, '[not JSON]', '"[not JSON]"'],
  [
    'a getter that throws',
    {
      get a(): never {
        throw new Error('no');
      },
    },
    '[not JSON]',
    '"[not JSON]"',
  ],
  [
    'an error with a code',
    new CodedError('unreachable', 'not there', { cause: SECRET }),
    { name: 'CodedError', code: 'unreachable', message: 'not there' },
    '{"name":"CodedError","code":"unreachable","message":"not there"}',
  ],
  [
    'an error of no code, its cause and its members left out',
    SECRET,
    { name: 'Error', message: 'outer' },
    '{"name":"Error","message":"outer"}',
  ],
  [
    'an error within',
    { tried: [new TypeError('x')] },
    { tried: [{ name: 'TypeError', message: 'x' }] },
    '{"tried":[{"name":"TypeError","message":"x"}]}',
  ],
];

describe('createLog', () => {
  it('writes one JSON object a line: time, level, message, fields', () => {
    const text = written({ port: 7143 }, false, 'warn');
    assert.match(
      text,
      /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"warn","message":"a message","port":7143\}\n$/,
    );
  });

  for (const [what, value, json, readable] of FIELDS) {
    it(`tells ${what}, and never throws`, () => {
      const text = written({ field: value });
      assert.equal(text.indexOf('\n'), text.length - 1, 'one line');
      assert.deepEqual(JSON.parse(text).field, json);
      const line = written({ field: value }, true);
      assert.equal(line.slice(9), `a message field=${readable}\n`);
    });
  }

  it('lets no field take the place of time, level or message', () => {
    const { level, message, time } = JSON.parse(written({ level: 'x', message: 'y', time: 'z' }));
    assert.deepEqual([level, message], ['info', 'a message']);
    assert.match(time, /^\d{4}-/);
  });

  it('is readable for a person', () => {
    assert.match(
      written({ port: 7143, file: 'a.yaml' }, true),
      /^\d\d:\d\d:\d\d a message port=7143 file=a\.yaml\n$/,
    );
    assert.match(written({}, true, 'warn'), /^\d\d:\d\d:\d\d WARN a message\n$/);
  });

  for (const [index, level] of LOG_LEVELS.entries()) {
    it(`at ${level} writes ${4 - index} of four levels`, () => {
      const lines: string[] = [];
      const log = createLog(level, (line) => lines.push(JSON.parse(line).level));
      log.debug('m');
      log.info('m');
      log.warn('m');
      log.error('m');
      assert.deepEqual(lines, LOG_LEVELS.slice(index, 4));
    });
  }
});
