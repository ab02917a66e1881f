// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates are what is tested
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTopicTemplate, type TopicTemplate } from '../../src/config/topic-template.ts';

describe('parseTopicTemplate', () => {
  const cases: readonly [string, TopicTemplate | undefined][] = [
    ['events', ['events']],
    ['a$b{c}', ['a$b{c}']],
    ['orders.${sub}', ['orders.', { claim: ['sub'] }]],
    ['${a.b}', [{ claim: ['a', 'b'] }]],
    ['${a}${b}!', [{ claim: ['a'] }, { claim: ['b'] }, '!']],
    ['t/${["https://x/}"].z}/u', ['t/', { claim: ['https://x/}', 'z'] }, '/u']],
    ['$${a}', ['$', { claim: ['a'] }]],
    ['${a', undefined],
    ['${}', undefined],
    ['${a}${', undefined],
    ['${a b}', undefined],
    ['${${a}}', undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text}`, () => assert.deepEqual(parseTopicTemplate(text), expected));
  }
});
