import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderJson, renderText } from '../../src/listen/render.ts';

describe('renderText', () => {
  const cases: readonly {
    name: string;
    type?: string;
    id?: string | undefined;
    data: string;
    line: string;
  }[] = [
    { name: 'separates by tabs', data: 'hello', line: '1-0\tmessage\thello\n' },
    { name: 'shows a line feed', data: 'a\nb\n', line: '1-0\tmessage\ta\\nb\\n\n' },
    { name: 'leaves JSON readable', data: '{"a":"b\\n"}', line: '1-0\tmessage\t{"a":"b\\n"}\n' },
    { name: 'keeps a tab of the data', data: 'a\tb', line: '1-0\tmessage\ta\tb\n' },
    { name: 'shows a tab of the type', type: 'a\tb', data: '', line: '1-0\ta\\tb\t\n' },
    {
      name: 'shows an escape sequence',
      data: '\u001b[2J\u009b1m\u007f',
      line: '1-0\tmessage\t\\u001b[2J\\u009b1m\\u007f\n',
    },
    { name: 'keeps other Unicode', data: '日本 👩‍🚀 \u2028', line: '1-0\tmessage\t日本 👩‍🚀 \u2028\n' },
    { name: 'has a dash for no id', id: undefined, data: 'x', line: '-\tmessage\tx\n' },
  ];
  for (const { name, line, ...event } of cases) {
    it(name, () => assert.equal(renderText({ id: '1-0', type: 'message', ...event }), line));
  }
});

describe('renderJson', () => {
  it('is one line that reads back exactly', () => {
    const event = { id: '1-0', type: 'a b', data: '\u0000\n\r\t"\\\u001b\u007f\u009b\u2028👩‍🚀' };
    const line = renderJson(event);
    assert.deepEqual(JSON.parse(line), { id: '1-0', event: 'a b', data: event.data });
    assert.equal(line.indexOf('\n'), line.length - 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(line.trimEnd(), /[\u0000-\u001f\u007f-\u009f]/);
  });

  it('has null for no id', () => {
    assert.equal(
      renderJson({ id: undefined, type: 'gap', data: '' }),
      '{"id":null,"event":"gap","data":""}\n',
    );
  });
});
