import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import { audienceOf } from '../../src/ingest/audience.ts';
import { createCarriers } from '../../src/ingest/carriers.ts';

const carriers = createCarriers([
  { topics: ['one', 'orders.${sub}'], guards: ['main'] },
  { topics: ['two', 'orders.${org}'], guards: ['main', 'partner'] },
  { topics: ['open'], guards: [] },
]);

function audience(topicName: string, to: readonly string[] | undefined, guard?: string) {
  const event = { topic: topic(topicName), data: '', receivedAt: epochMs(0) };
  return audienceOf({ event, to: to?.map(subject), guard, ref: undefined, key: undefined }, carriers);
}

describe('audienceOf', () => {
  it('is everybody where nobody is named', () => {
    for (const name of ['one', 'two', 'open', 'unknown']) assert.equal(audience(name, undefined), undefined);
  });

  it('takes the only guard of the topic', () => {
    assert.deepEqual(audience('one', ['a', 'b']), { guard: 'main', subjects: ['a', 'b'] });
  });

  it('takes the guard that is named', () => {
    assert.deepEqual(audience('two', ['a'], 'partner'), { guard: 'partner', subjects: ['a'] });
    assert.deepEqual(audience('orders.7', ['a'], 'main'), { guard: 'main', subjects: ['a'] });
  });

  const refusals: readonly [string, string, string, readonly string[] | undefined, string?][] = [
    ['ambiguous_subject', 'two guards and none named', 'two', ['a']],
    ['ambiguous_subject', 'two guards by their patterns', 'orders.7', ['a']],
    ['unknown_guard', 'a guard that does not carry the topic', 'one', ['a'], 'partner'],
    ['unknown_guard', 'a guard that there is not', 'two', ['a'], 'other'],
    ['unknown_guard', 'a topic that only public streams carry', 'open', ['a']],
    ['unknown_guard', 'a topic that nothing carries', 'unknown', ['a']],
    ['bad_guard', 'a guard without subjects', 'two', undefined, 'main'],
  ];
  for (const [code, what, name, to, guard] of refusals) {
    it(`refuses ${what}: ${code}`, () => assert.throws(() => audience(name, to, guard), { code }));
  }
});
