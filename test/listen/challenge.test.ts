import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseChallenge } from '../../src/listen/challenge.ts';

const withHeaders = (headers: unknown) => JSON.stringify({ method: 'POST', headers });

describe('parseChallenge', () => {
  it('takes the bytes of a gateway', () => {
    assert.deepEqual(
      parseChallenge('{"method":"POST","headers":{"content-type":"application/x-challenge-response"}}'),
      { method: 'POST', headers: { 'content-type': 'application/x-challenge-response' } },
    );
  });

  it('takes headers and fields that do not exist yet', () => {
    assert.deepEqual(parseChallenge('{"method":"POST","new":1,"headers":{"x-new":"1"}}').headers, {
      'x-new': '1',
    });
  });

  const cases: readonly [string, string][] = [
    ['POST', 'it is not JSON'],
    ['null', 'it is not an object'],
    ['[]', 'its method is not POST'],
    ['{"method":"DELETE","headers":{}}', 'its method is not POST'],
    ['{"method":"post","headers":{}}', 'its method is not POST'],
    [withHeaders(null), 'its headers are not an object'],
    [withHeaders('a: b'), 'its headers are not an object'],
    [withHeaders({ 'x-a': 1 }), 'its header x-a is not a line of text'],
    [withHeaders({ 'x-a': ['1'] }), 'its header x-a is not a line of text'],
    [withHeaders({ 'x-a': 'b\r\nx-c: d' }), 'its header x-a is not a line of text'],
    [withHeaders({ 'x-a': 'é' }), 'its header x-a is not a line of text'],
    [withHeaders({ 'x a': 'b' }), 'it names a header that cannot exist'],
    [withHeaders({ '': 'b' }), 'it names a header that cannot exist'],
    [withHeaders({ 'x-a': 'b'.repeat(1024) }), 'it is larger than 1 KiB'],
    ...[
      'Authorization',
      'host',
      'CONTENT-LENGTH',
      'Transfer-Encoding',
      'connection',
      'cookie',
      'upgrade',
      'proxy-authorization',
    ].map((name): [string, string] => [
      withHeaders({ [name]: 'x' }),
      `it sets the header ${name.toLowerCase()}`,
    ]),
  ];
  for (const [text, message] of cases) {
    it(`refuses ${text.slice(0, 60)}`, () =>
      assert.throws(() => parseChallenge(text), { name: 'ChallengeError', code: 'bad_challenge', message }));
  }
});
