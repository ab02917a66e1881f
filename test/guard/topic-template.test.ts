// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of topics are what is tested
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fillTopics } from '../../src/guard/topic-template.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => `g${index}`);

/** [templates, claims, topics] */
const CASES: readonly (readonly [readonly string[], Readonly<Record<string, unknown>>, readonly string[]])[] =
  [
    [['events'], {}, ['events']],
    [['events', 'orders.${sub}'], { sub: 'alice' }, ['events', 'orders.alice']],
    [['${tenant.id}/${sub}'], { sub: 'alice', tenant: { id: 7 } }, ['7/alice']],
    [['u.${["https://x.example/u"].name}'], { 'https://x.example/u': { name: 'bob' } }, ['u.bob']],
    [['team.${groups}'], { groups: ['a', 'b', 'a'] }, ['team.a', 'team.b']],
    [['${a}-${b}'], { a: ['1', '2'], b: ['x', 'y'] }, ['1-x', '1-y', '2-x', '2-y']],
    [['a.${x}', 'a.${y}'], { x: 'same', y: 'same' }, ['a.same']],
    // What is filled in is not a template.
    [['orders.${sub}'], { sub: '${admin}', admin: 'root' }, ['orders.${admin}']],
    // No such claim, or none that can stand in a topic: that template grants nothing, the others do.
    [['events', 'orders.${nobody}'], {}, ['events']],
    [['orders.${sub}'], { sub: '' }, []],
    [['orders.${sub}'], { sub: 'a\nb' }, []],
    [['orders.${sub}'], { sub: 'a\rb' }, []],
    [['orders.${sub}'], { sub: 'a\0b' }, []],
    [['orders.${sub}'], { sub: '\ud800' }, []],
    [['orders.${sub}'], { sub: 'x'.repeat(257) }, []],
    [['orders.${sub}'], { sub: 'x'.repeat(256) }, [`orders.${'x'.repeat(256)}`]],
    [['orders.${sub}'], { sub: null }, []],
    [['orders.${sub}'], { sub: true }, []],
    [['orders.${sub}'], { sub: { a: 'b' } }, []],
    [['orders.${sub}'], { sub: [] }, []],
    [['orders.${sub}'], { sub: 0 }, ['orders.0']],
    [['orders.${sub}'], { sub: 1.5 }, []],
    // 2^53 + 1 reads as 2^53: somebody else.
    [['orders.${sub}'], { sub: 9_007_199_254_740_992 }, []],
    [['orders.${groups}'], { groups: ['a', '', 'b\n', { c: 1 }, 'd'] }, ['orders.a', 'orders.d']],
    [['orders.${groups}'], { groups: many(32) }, many(32).map((group) => `orders.${group}`)],
    [['events', 'orders.${groups}'], { groups: many(33) }, ['events']],
    [['${a}.${b}'], { a: many(8), b: many(5) }, []],
    [['orders.${constructor.name}', 'orders.${__proto__}', 'orders.${sub.length}'], { sub: 'a' }, []],
  ];

describe('fillTopics', () => {
  for (const [templates, claims, topics] of CASES) {
    it(`${templates.join(' ')} with ${JSON.stringify(claims).slice(0, 60)}: ${topics.length} topics`, () => {
      assert.deepEqual(fillTopics(templates, claims), topics);
    });
  }
});
