import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCarriers } from '../../src/ingest/carriers.ts';

describe('createCarriers', () => {
  const carriers = createCarriers([
    { topics: ['news', 'orders.${sub}'], guards: ['main'] },
    { topics: ['news', 'all'], guards: ['partner', 'main'] },
    { topics: ['a-${org}-b'], guards: ['org'] },
    { topics: ['${tenant}/${user}/x'], guards: ['tenant'] },
    { topics: ['open'], guards: [] },
    { topics: ['aba${x}aba'], guards: ['overlap'] },
  ]);
  const cases: readonly [string, ...string[]][] = [
    ['news', 'main', 'partner'],
    ['all', 'partner', 'main'],
    ['News'],
    ['news '],
    ['orders.alice', 'main'],
    ['orders.a.b.c', 'main'],
    ['orders.'],
    ['my-orders.alice'],
    ['a-x-b', 'org'],
    ['a-b-b', 'org'],
    ['a-b'],
    ['a--b'],
    ['acme/alice/x', 'tenant'],
    ['a/b/c/x', 'tenant'],
    ['/alice/x'],
    ['acme//x'],
    ['acme/alice/xx'],
    ['aba.aba', 'overlap'],
    ['ababa'],
    ['abaaba'],
    ['open'],
    ['never heard of'],
  ];
  for (const [topic, ...guards] of cases) {
    it(`${topic} is carried by ${guards.join(' and ') || 'no guard'}`, () => {
      assert.deepEqual(carriers.guardsOf(topic), guards);
      assert.deepEqual(carriers.guardsOf(topic), guards, 'and the second time');
    });
  }

  it('forgets topics rather than to keep all there ever were', () => {
    for (let at = 0; at < 20_001; at++) assert.deepEqual(carriers.guardsOf(`orders.${at}`), ['main']);
    assert.deepEqual(carriers.guardsOf('orders.0'), ['main']);
  });

  it('takes no time for a topic made to be slow', () => {
    const many = createCarriers([{ topics: [`${'a${x}'.repeat(60)}b`], guards: ['main'] }]);
    assert.deepEqual(many.guardsOf('a'.repeat(256)), []);
    assert.deepEqual(many.guardsOf(`${'aa'.repeat(60)}b`), ['main']);
  });
});
