import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDevelopmentKeys, mintToken, parseDevelopmentKeys } from '../../src/guard/mint.ts';
import { PresentedToken } from '../../src/guard/presented-token.ts';
import { AUDIENCE, guardSpec, ISSUER } from '../support/issuer.ts';
import { RecordedGuards } from '../support/recorded-guards.ts';

const keys = await createDevelopmentKeys();

describe('development keys', () => {
  it('are two, named and published without their secrets', () => {
    const published = keys.jwks.keys.map(({ kid, alg, d }) => [kid, alg, d]);
    assert.deepEqual(published, [
      ['example', 'RS256', undefined],
      ['example_ec', 'ES256', undefined],
    ]);
    assert.deepEqual(
      keys.jwks.keys.map((jwk) => Object.keys(jwk).sort().join(' ')),
      ['alg e kid kty n use', 'alg crv kid kty use x y'],
    );
  });

  it('are made anew each time, and read back the same', async () => {
    assert.notDeepEqual((await createDevelopmentKeys()).jwks, keys.jwks);
    assert.deepEqual(parseDevelopmentKeys(JSON.stringify(keys.privateKeys)), keys);
  });

  for (const text of ['', '{}', '[1]', '[{"kid":"a","alg":"RS256"}]', JSON.stringify(keys.jwks.keys)]) {
    it(`are not ${text.slice(0, 40) || 'nothing'}`, () =>
      assert.equal(parseDevelopmentKeys(text), undefined));
  }
});

describe('mintToken', () => {
  it('makes tokens that a guard with the published keys accepts until they expire', async () => {
    const { clock, guards } = new RecordedGuards();
    const spec = guardSpec({ inline: JSON.stringify(keys.jwks), refreshInterval: 600_000 });
    await guards.apply(new Map([['main', { uid: 'u1', generation: 1, spec }]]));
    const guard = guards.get('main');
    assert.ok(guard);
    for (const key of keys.privateKeys) {
      const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', scope: 'read' };
      const token = await mintToken(key, { claims, ttlSeconds: 30, now: clock.now() });
      const grant = await guards.verify(guard, new PresentedToken(token));
      assert.deepEqual([grant.subject, [...grant.scopes]], ['alice', ['read']]);
      assert.equal(grant.expiresAt, clock.now() + 30_000);
      assert.equal(grant.issuedAt, clock.now());
    }
  });

  it('refuses a key that cannot sign, without showing it', async () => {
    const key = { ...keys.jwks.keys[0], kid: 'example', alg: 'RS256' };
    const options = { claims: {}, ttlSeconds: 1, now: new RecordedGuards().clock.now() };
    await assert.rejects(mintToken(key, options), { code: 'input', message: 'the key cannot sign a token' });
  });
});
