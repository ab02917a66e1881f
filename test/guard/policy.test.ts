import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JwtGuardSpec } from '../../src/config/jwt-guard.ts';
import { epochMs } from '../../src/core/brand.ts';
import { judge } from '../../src/guard/policy.ts';
import { goodClaims, guardSpec, type Members } from '../support/issuer.ts';

const T = 1_767_225_600;
const JWKS = { inline: '', refreshInterval: 600_000 };

function verdict(claims: Members, overrides: Partial<JwtGuardSpec> = {}, nowMs = T * 1_000, trusted = true) {
  const evidence = {
    claims: { ...goodClaims(T * 1_000), ...claims },
    algorithm: 'ES256',
    keyThumbprint: 'k',
  };
  return judge(guardSpec(JWKS, overrides), () => trusted, evidence, epochMs(nowMs));
}

function code(...parameters: Parameters<typeof verdict>): string {
  const result = verdict(...parameters);
  return typeof result === 'string' ? result : 'good';
}

/** [now in ms after T, claims, overrides, code] */
const TIMES: readonly (readonly [number, Members, Partial<JwtGuardSpec>, string])[] = [
  [-1, { exp: T }, {}, 'good'],
  [0, { exp: T }, {}, 'expired'],
  [0, { exp: T }, { clockSkew: 1 }, 'good'],
  [999, { exp: T }, { clockSkew: 1_000 }, 'good'],
  [1_000, { exp: T }, { clockSkew: 1_000 }, 'expired'],
  [499, { exp: T + 0.5 }, {}, 'good'],
  [500, { exp: T + 0.5 }, {}, 'expired'],
  // Rounded down: 250.9 ms make 250.
  [249, { exp: T + 0.2509 }, {}, 'good'],
  [250, { exp: T + 0.2509 }, {}, 'expired'],
  [-1, { nbf: T }, {}, 'not_yet_valid'],
  [0, { nbf: T }, {}, 'good'],
  [-1_000, { nbf: T }, { clockSkew: 1_000 }, 'good'],
  [-1_001, { nbf: T }, { clockSkew: 1_000 }, 'not_yet_valid'],
  [0, { nbf: T + 0.001 }, {}, 'not_yet_valid'],
  [0, { iat: T, exp: T + 60 }, { maxTokenLifetime: 60_000 }, 'good'],
  [0, { iat: T, exp: T + 60.001 }, { maxTokenLifetime: 60_000 }, 'too_long_lived'],
  [0, { iat: undefined, exp: T + 60 }, { maxTokenLifetime: 60_000 }, 'good'],
  [-1, { iat: undefined, exp: T + 60 }, { maxTokenLifetime: 60_000 }, 'too_long_lived'],
  [0, { iat: T + 1, exp: T + 61 }, { maxTokenLifetime: 60_000 }, 'good'],
  [0, { iat: T + 3_600, exp: T + 3_660 }, { maxTokenLifetime: 60_000 }, 'too_long_lived'],
  [0, { iat: T, exp: T + 3e9 }, {}, 'good'],
];

describe('judge', () => {
  for (const [after, claims, overrides, expected] of TIMES) {
    it(`${JSON.stringify({ after, ...claims, ...overrides })}: ${expected}`, () => {
      assert.equal(code(claims, overrides, T * 1_000 + after), expected);
    });
  }

  it('refuses an algorithm or a key that the guard no longer has', () => {
    assert.equal(code({}, { algorithms: ['RS256'] }), 'algorithm');
    assert.equal(code({}, {}, T * 1_000, false), 'unknown_key');
  });

  it('says until when a token is good, in whole milliseconds', () => {
    const result = verdict({ exp: T + 0.2509, iat: T - 0.5 }, { clockSkew: 1_000 });
    assert.ok(typeof result === 'object');
    assert.equal(result.expiresAt, T * 1_000 + 250);
    assert.equal(result.closeAt, T * 1_000 + 1_250);
    assert.equal(result.issuedAt, T * 1_000 - 500);
  });

  it('reads subject, session and scopes where the guard says they are', () => {
    const claims = {
      'https://x.example/y': { who: 'bob' },
      realm_access: { roles: ['admin', 'user', 'admin'] },
      session: { id: 's1' },
    };
    const paths = {
      subject: '["https://x.example/y"].who',
      scopes: 'realm_access.roles',
      session: 'session.id',
    };
    const result = verdict(claims, { claims: paths });
    assert.ok(typeof result === 'object');
    assert.deepEqual([result.subject, result.session, [...result.scopes]], ['bob', 's1', ['admin', 'user']]);
  });

  it('takes absent claims as absent, and properties that every object has for no claims', () => {
    for (const path of ['nothing', 'sub.length', '__proto__.x', 'constructor.name', 'toString', 'scope.0']) {
      const result = verdict({}, { claims: { subject: path, scopes: path, session: path } });
      assert.ok(typeof result === 'object', path);
      assert.deepEqual([result.subject, result.session, result.scopes.size], [undefined, undefined, 0]);
    }
  });

  it('splits scopes on spaces', () => {
    const result = verdict({ scope: ' read  write read' });
    assert.ok(typeof result === 'object');
    assert.deepEqual([...result.scopes], ['read', 'write']);
  });
});
