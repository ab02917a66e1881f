import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResource } from '../../src/config/resource.ts';
import { guard, rulesBroken } from './documents.ts';
import { INVALID_GUARDS, URI, VALID_GUARDS } from './jwt-guard-cases.ts';

describe('JwtGuard', () => {
  it('fills every default', () => {
    const found = parseResource(guard());
    assert.ok(found.ok && found.value.kind === 'JwtGuard');
    assert.deepEqual(found.value.document.spec, {
      issuer: 'https://auth.example.com',
      audiences: ['https://api.example.com'],
      jwks: { uri: URI, refreshInterval: 600_000 },
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
      clockSkew: 0,
      claims: { subject: 'sub', scopes: 'scope', session: 'sid' },
      credentials: { header: true, query: 'access_token' },
      challenge: { answer: 'Stream' },
    });
  });

  it('keeps every field that is given, durations in milliseconds', () => {
    const spec = {
      issuer: 'x',
      audiences: ['a', 'b'],
      jwks: { uri: URI, refreshInterval: '1h30m', caConfigMapKeyRef: { name: 'ca', key: 'ca.crt' } },
      algorithms: ['ES512'],
      clockSkew: '5m',
      maxTokenLifetime: '24h',
      claims: { subject: 'a.b', scopes: '["https://x/y"].z', session: 'c' },
      credentials: { header: false, query: '', cookie: '__Host-token' },
      challenge: { leadTime: '500ms10s', answer: 'Subject' },
    };
    const found = parseResource(guard(spec));
    assert.ok(found.ok);
    assert.deepEqual(found.value.document.spec, {
      ...spec,
      jwks: { ...spec.jwks, refreshInterval: 5_400_000 },
      clockSkew: 300_000,
      maxTokenLifetime: 86_400_000,
      challenge: { leadTime: 10_500, answer: 'Subject' },
    });
  });

  for (const [what, spec] of VALID_GUARDS) {
    it(`accepts ${what}`, () => assert.deepEqual(rulesBroken(guard(spec)), []));
  }

  for (const [what, spec, ...rules] of INVALID_GUARDS) {
    it(`refuses ${what}`, () => assert.deepEqual(rulesBroken(guard(spec)), rules));
  }
});
