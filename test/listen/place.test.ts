import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeName, withoutToken, withTopics } from '../../src/listen/place.ts';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';

describe('withoutToken', () => {
  const cases: readonly [string, string][] = [
    ['http://h/e', 'http://h/e'],
    ['http://h/e?access_token=t', 'http://h/e'],
    ['http://h/e?topic=a&access_token=t&topic=b', 'http://h/e?topic=a&topic=b'],
    [`http://h/e?jwt=${JWT}&topic=a`, 'http://h/e?topic=a'],
    ['http://h/e?a=b%20c', 'http://h/e?a=b%20c'],
    ['http://h/e?v=1.2.3', 'http://h/e?v=1.2.3'],
  ];
  for (const [url, expected] of cases) {
    it(`makes ${expected} of ${url.slice(0, 60)}`, () =>
      assert.equal(withoutToken(new URL(url)).href, expected));
  }
});

it('withTopics adds to what the URL asks for, escaped', () => {
  assert.equal(
    withTopics(new URL('http://h/e?topic=a'), ['b', 'c&d']).href,
    'http://h/e?topic=a&topic=b&topic=c%26d',
  );
});

it('placeName holds no query', () => {
  assert.equal(placeName(new URL('https://h:1/e/f?access_token=t')), 'https://h:1/e/f');
});
