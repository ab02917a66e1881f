import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import type { Grant } from '../../src/guard/grant.ts';
import { cacheKey, TokenCache } from '../../src/guard/token-cache.ts';

const grant: Grant = {
  guard: 'main',
  guardUid: 'u1',
  generation: 1,
  subject: undefined,
  session: undefined,
  scopes: new Set(),
  expiresAt: epochMs(1),
  closeAt: epochMs(1),
  issuedAt: undefined,
  claims: {},
  algorithm: 'ES256',
  keyThumbprint: 'k',
  tokenHash: 'h',
};

function create(max?: number) {
  const results: string[] = [];
  const observer = { fetched: () => undefined, cached: (result: string) => void results.push(result) };
  return { cache: new TokenCache(observer, max), results };
}

describe('TokenCache', () => {
  it('holds so many grants and lets go of the least recently used', () => {
    const { cache } = create(2);
    cache.put('a', grant);
    cache.put('b', grant);
    assert.ok(cache.get('a', () => true));
    cache.put('c', grant);
    assert.equal(cache.size, 2);
    assert.equal(
      cache.get('b', () => true),
      undefined,
    );
    assert.ok(cache.get('a', () => true));
    assert.ok(cache.get('c', () => true));
  });

  it('holds 10,000 unless told otherwise', () => {
    const { cache } = create();
    for (let i = 0; i < 10_001; i++) cache.put(String(i), grant);
    assert.equal(cache.size, 10_000);
  });

  it('counts hits and misses, and forgets a grant that stands no longer', () => {
    const { cache, results } = create();
    cache.put('a', grant);
    assert.equal(
      cache.get('a', () => true),
      grant,
    );
    assert.equal(
      cache.get('a', () => false),
      undefined,
    );
    assert.equal(cache.size, 0);
    assert.equal(
      cache.get('a', () => true),
      undefined,
    );
    assert.deepEqual(results, ['hit', 'miss', 'miss']);
  });

  it('has a key for each guard, generation and token, which does not hold the token', () => {
    const keys = [
      cacheKey('u1', 1, 'token'),
      cacheKey('u2', 1, 'token'),
      cacheKey('u1', 2, 'token'),
      cacheKey('u1', 1, 'token2'),
      cacheKey('u', 11, 'token'),
    ];
    assert.equal(new Set(keys).size, keys.length);
    for (const key of keys) assert.match(key, /^[-_\w]{43}$/);
  });
});
