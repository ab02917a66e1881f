import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseClaimPath } from '../../src/config/claim-path.ts';

describe('parseClaimPath', () => {
  const cases: readonly [string, readonly string[] | undefined][] = [
    ['sub', ['sub']],
    ['realm_access.roles', ['realm_access', 'roles']],
    ['a.b.c.d.e.f.g.h', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']],
    ['cognito:groups', ['cognito:groups']],
    ['x-hasura-user-id', ['x-hasura-user-id']],
    ['größe', ['größe']],
    ['["https://x/y"].z', ['https://x/y', 'z']],
    ['["https://x.y/z"]', ['https://x.y/z']],
    ['a["b.c"].d', ['a', 'b.c', 'd']],
    ['["a"]["b c"]', ['a', 'b c']],
    ['', undefined],
    ['.', undefined],
    ['.a', undefined],
    ['a.', undefined],
    ['a..b', undefined],
    ['a b', undefined],
    ['https://x/y', undefined],
    ['["a"', undefined],
    ['[""]', undefined],
    ["['a']", undefined],
    ['["a"]b', undefined],
    ['a.["b"]', undefined],
    ['[0]', undefined],
    ['a[0]', undefined],
    ['["a\nb"]', undefined],
    ['a.b.c.d.e.f.g.h.i', undefined],
    ['a'.repeat(257), undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text.slice(0, 40))}`, () => assert.deepEqual(parseClaimPath(text), expected));
  }
});
