import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectFault } from '../../src/listen/connect-fault.ts';
import { NoAnswerError } from '../../src/listen/request.ts';

describe('connectFault', () => {
  const cases: readonly [string, string][] = [
    ['ECONNREFUSED', 'connection refused'],
    ['ENOTFOUND', 'there is no host of this name'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
    ['CERT_HAS_EXPIRED', 'its certificate has expired'],
    ['HPE_INVALID_CONSTANT', 'it does not speak HTTP/1.1 there'],
    ['E_NEW', 'connection failed (E_NEW)'],
  ];
  for (const [code, text] of cases) {
    it(`says for ${code}: ${text}`, () => {
      const error = Object.assign(new Error('getaddrinfo host?access_token=S3CRET'), { code });
      assert.equal(connectFault(error), text);
    });
  }

  it('repeats a time-out', () => {
    assert.equal(
      connectFault(new NoAnswerError('no_answer', 'no answer within 5 s')),
      'no answer within 5 s',
    );
  });

  it('throws what is no fault of the network', () => {
    assert.throws(() => connectFault(new TypeError('a bug')), { name: 'TypeError', message: 'a bug' });
  });
});
