import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { JwtGuardSpec } from '../../src/config/jwt-guard.ts';
import { epochMs } from '../../src/core/brand.ts';
import { CodedError } from '../../src/core/coded-error.ts';
import { revocationsOf } from '../../src/guard/revocation.ts';
import {
  AUDIENCE,
  createKey,
  forge,
  guardSpec,
  hmacToken,
  ISSUER,
  jwks,
  type Members,
} from '../support/issuer.ts';
import { RecordedGuards } from '../support/recorded-guards.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const key = createKey('k');
const foreign = createKey('k');
const inline = { inline: jwks(key), refreshInterval: 600_000 };

async function guarded(test: TestContext, overrides: Partial<JwtGuardSpec> = {}) {
  const recorded = new RecordedGuards();
  test.after(() => recorded.guards.stop());
  const spec = guardSpec(inline, overrides);
  await recorded.guards.apply(new Map([['main', { uid: 'u1', generation: 1, spec }]]));
  const main = recorded.guards.get('main');
  assert.ok(main);
  const seconds = recorded.clock.now() / 1_000;
  const claims = (more: Members = {}): Members => ({
    iss: ISSUER,
    aud: AUDIENCE,
    iat: seconds,
    exp: seconds + 120,
    jti: 'id-1',
    events: { [EVENT]: {} },
    sub: 'u-1',
    sid: 's-1',
    ...more,
  });
  return { main, recorded, seconds, claims };
}

const TYPE = { typ: 'logout+jwt' };

describe('a logout token', () => {
  it('says which session is over, and when', async (test) => {
    const { main, claims, recorded } = await guarded(test);
    const now = recorded.clock.now();
    const { tokenHash, ...said } = await main.verifyLogout(forge(key, claims(), TYPE));
    assert.match(tokenHash, /^[-\w]{43}$/);
    assert.deepEqual(said, {
      id: 'id-1',
      issuedAt: now,
      expiresAt: now + 120_000,
      targets: [
        { kind: 'sid', value: 's-1' },
        { kind: 'subWithoutSid', value: 'u-1' },
      ],
    });
  });

  const accepted: readonly [what: string, claims: Members, header?: Members, spec?: Partial<JwtGuardSpec>][] =
    [
      ['without sid', { sid: undefined }],
      ['without sub', { sub: undefined }],
      ['with several audiences', { aud: ['other', AUDIENCE] }],
      ['for a client of its own', { aud: 'client' }, TYPE, { logout: { audiences: ['client'] } }],
      ['with further events', { events: { [EVENT]: {}, 'https://x/y': {} } }],
      ['with members in its event', { events: { [EVENT]: { reason: 'x' } } }],
      ['without a type', {}, { typ: undefined }],
      ['of the type JWT', {}, { typ: 'JWT' }],
      ['of its type in full', {}, { typ: 'application/logout+jwt' }],
      ['that has just expired, where clocks differ', { exp: 1_767_225_600 - 4 }, TYPE, { clockSkew: 5_000 }],
      ['from a second to come', { iat: 1_767_225_601 }],
    ];
  for (const [what, more, header = TYPE, spec] of accepted) {
    it(`${what} is good`, async (test) => {
      const { main, claims } = await guarded(test, spec);
      await main.verifyLogout(forge(key, claims(more), header));
    });
  }

  const refused: readonly [
    what: string,
    claims: Members,
    why: RegExp,
    header?: Members,
    spec?: Partial<JwtGuardSpec>,
  ][] = [
    ['of another issuer', { iss: 'https://other.example/' }, /^iss:/],
    ['without issuer', { iss: undefined }, /^iss:/],
    ['for another audience', { aud: 'other' }, /^aud:/],
    ['without audience', { aud: undefined }, /^aud:/],
    [
      "for the guard's audience, where clients are named",
      {},
      /^aud:/,
      TYPE,
      { logout: { audiences: ['client'] } },
    ],
    ['without iat', { iat: undefined }, /^iat: is required/],
    ['whose iat is a text', { iat: '1767225600' }, /^iat: must be a number/],
    ['from the future', { iat: 1_767_225_602 }, /^iat: must not be to come/],
    ['without exp', { exp: undefined }, /^exp: is required/],
    ['that has expired', { exp: 1_767_225_600 }, /^exp: must not be past/],
    ['that is not valid yet', { nbf: 1_767_225_601 }, /^nbf:/],
    ['without sub and sid', { sub: undefined, sid: undefined }, /^sub, sid:/],
    ['with an empty sub', { sub: '' }, /^sub:/],
    ['whose sid is a number', { sid: 5 }, /^sid:/],
    ['without events', { events: undefined }, /^events:/],
    ['whose events are a list', { events: [EVENT] }, /^events:/],
    ['of another event', { events: { 'https://x/y': {} } }, /^events:/],
    ['whose event is no object', { events: { [EVENT]: true } }, /^events:/],
    ['with a nonce', { nonce: 'n' }, /^nonce:/],
    ['with an empty nonce', { nonce: null }, /^nonce:/],
    ['without jti', { jti: undefined }, /^jti:/],
    ['that is an access token by its type', {}, /^typ:/, { typ: 'at+jwt' }],
    ['of a type that is no text', {}, /^typ:/, { typ: 5 }],
    ['with an unknown kid', {}, /does not have the key/, { ...TYPE, kid: 'other' }],
    ['without an algorithm', {}, /does not accept the algorithm/, { ...TYPE, alg: 'none' }],
    [
      'with an algorithm that the guard does not have',
      {},
      /does not accept/,
      TYPE,
      { algorithms: ['RS256'] },
    ],
  ];
  for (const [what, more, why, header = TYPE, spec] of refused) {
    it(`${what} is refused`, async (test) => {
      const { main, claims } = await guarded(test, spec);
      await assert.rejects(
        main.verifyLogout(forge(key, claims(more), header)),
        (error) => error instanceof CodedError && why.test(error.message),
      );
    });
  }

  it('that somebody else has signed is refused, also with the public key as a secret, or not at all', async (test) => {
    const { main, claims } = await guarded(test);
    const good = forge(key, claims(), TYPE);
    const [head, payload] = good.split('.');
    for (const token of [
      forge(foreign, claims(), TYPE),
      hmacToken(JSON.stringify(key.jwk), claims(), { alg: 'HS256', kid: 'k' }),
      `${head}.${payload}.`,
      `${head}.${payload}`,
      'x'.repeat(9_000),
      '',
    ]) {
      await assert.rejects(main.verifyLogout(token), CodedError);
    }
  });
});

describe('what a logout token revokes', () => {
  const now = epochMs(1_767_225_600_000);
  const guard = { name: 'main', spec: guardSpec(inline) };
  const logout = (kind: 'sub' | 'sid', agoMs: number) => ({
    id: 'id',
    tokenHash: 'h',
    issuedAt: epochMs(now - agoMs),
    expiresAt: epochMs(now + 60_000),
    targets: [{ kind, value: 'x' }],
  });

  it('is as old as the token, so that who has come back since is not logged out', () => {
    const [revocation] = revocationsOf(guard, logout('sub', 30_500), now).revocations;
    assert.equal(revocation?.before, now - 30_000);
  });

  it('is all of a session so far', () => {
    const [revocation] = revocationsOf(guard, logout('sid', 30_500), now).revocations;
    assert.equal(revocation?.before, now + 1_000);
  });

  it('is known again by guard and id, and told from another of the same id', () => {
    const once = (name: string, id: string, tokenHash = 'h') =>
      revocationsOf({ ...guard, name }, { ...logout('sub', 0), id, tokenHash }, now).once;
    assert.deepEqual(once('main', 'a'), once('main', 'a'));
    assert.notEqual(once('main', 'a', 'x').mark, once('main', 'a', 'y').mark);
    assert.equal(new Set([once('main', 'a').key, once('main', 'b').key, once('other', 'a').key]).size, 3);
  });
});
