import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JwtGuardSpec } from '../../src/config/jwt-guard.ts';
import { epochMs, subject } from '../../src/core/brand.ts';
import type { Grant } from '../../src/guard/grant.ts';
import { PresentedToken } from '../../src/guard/presented-token.ts';
import { type RevocationTarget, revocationOf } from '../../src/guard/revocation.ts';
import { Revocations } from '../../src/guard/revocations.ts';
import { TokenError } from '../../src/guard/token-error.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createKey, forge, goodClaims, guardSpec, jwks, type Members } from '../support/issuer.ts';
import { RecordedGuards } from '../support/recorded-guards.ts';

const DAY_MS = 86_400_000;
const key = createKey('k');
const spec = (overrides: Partial<JwtGuardSpec> = {}) =>
  guardSpec({ inline: jwks(key), refreshInterval: 600_000 }, overrides);
const guard = (overrides?: Partial<JwtGuardSpec>) => ({ name: 'main', spec: spec(overrides) });
const alice: RevocationTarget = { kind: 'subject', value: 'alice' };

function grant(overrides: Partial<Grant> = {}): Grant {
  return {
    guard: 'main',
    guardUid: 'u1',
    generation: 1,
    subject: subject('alice'),
    session: 's1',
    scopes: new Set(),
    expiresAt: epochMs(Number.MAX_SAFE_INTEGER),
    closeAt: epochMs(Number.MAX_SAFE_INTEGER),
    issuedAt: epochMs(Date.parse('2025-12-31T23:59:00Z')),
    claims: { sub: 'u-1', sid: 's-1', jti: 't1' },
    algorithm: 'ES256',
    keyThumbprint: 'k',
    tokenHash: 'h',
    ...overrides,
  };
}

function create() {
  const clock = new FakeClock();
  const revocations = new Revocations(clock);
  const revoke = (target: RevocationTarget, before?: number, name = 'main') =>
    revocations.take([
      revocationOf(
        { name, spec: spec() },
        target,
        before === undefined ? undefined : epochMs(before),
        clock.now(),
      ),
    ]);
  return { clock, revocations, revoke };
}

describe('a revocation covers', () => {
  const cases: readonly [what: string, target: RevocationTarget, of: Partial<Grant>, covered: boolean][] = [
    ['tokens of its subject', alice, {}, true],
    ['none of another subject', alice, { subject: subject('bob') }, false],
    ['none without a subject', alice, { subject: undefined }, false],
    ['none of another guard', alice, { guard: 'other' }, false],
    ['tokens of its session', { kind: 'session', value: 's1' }, {}, true],
    ['none of another session', { kind: 'session', value: 's1' }, { session: 's2' }, false],
    ['no subject that is called like the session', { kind: 'session', value: 'alice' }, {}, false],
    ['the token with its id', { kind: 'tokenId', value: 't1' }, {}, true],
    ['no token with another id', { kind: 'tokenId', value: 't1' }, { claims: { jti: 't2' } }, false],
    ['no token whose id is no string', { kind: 'tokenId', value: '1' }, { claims: { jti: 1 } }, false],
    ["tokens with the issuer's own subject", { kind: 'sub', value: 'u-1' }, {}, true],
    ["no token whose mapped subject is another's sub", { kind: 'sub', value: 'alice' }, {}, false],
    ["tokens with the issuer's own session", { kind: 'sid', value: 's-1' }, {}, true],
    [
      'no token that has a session, where those without are meant',
      { kind: 'subWithoutSid', value: 'u-1' },
      {},
      false,
    ],
    ['tokens without a session', { kind: 'subWithoutSid', value: 'u-1' }, { claims: { sub: 'u-1' } }, true],
    [
      'tokens whose session is null, as those without',
      { kind: 'subWithoutSid', value: 'u-1' },
      { claims: { sub: 'u-1', sid: null } },
      true,
    ],
    [
      'tokens whose session is a number, as those without',
      { kind: 'subWithoutSid', value: 'u-1' },
      { claims: { sub: 'u-1', sid: 5 } },
      true,
    ],
    ['a token that does not say when it was issued', alice, { issuedAt: undefined }, true],
  ];
  for (const [what, target, of, covered] of cases) {
    it(what, () => {
      const { revocations, revoke } = create();
      revoke(target);
      assert.equal(revocations.covers(grant(of)), covered);
    });
  }
});

describe('the instant of a revocation', () => {
  const now = new FakeClock().now();
  const cases: readonly [what: string, before: number | undefined, issuedAt: number, covered: boolean][] = [
    ['by default takes in the second that it falls in', undefined, now, true],
    ['by default ends with that second', undefined, now + 1_000, false],
    ['when given is exclusive', now, now, false],
    ['when given takes in what is earlier', now, now - 1, true],
  ];
  for (const [what, before, issuedAt, covered] of cases) {
    it(what, () => {
      const { revocations, revoke } = create();
      revoke(alice, before);
      assert.equal(revocations.covers(grant({ issuedAt: epochMs(issuedAt) })), covered);
    });
  }

  it('does not matter for the id of one token, unless it is given', () => {
    const ahead = grant({ issuedAt: epochMs(now + 60_000) });
    for (const [before, covered] of [
      [undefined, true],
      [now, false],
    ] as const) {
      const { revocations, revoke } = create();
      revoke({ kind: 'tokenId', value: 't1' }, before);
      assert.equal(revocations.covers(ahead), covered);
    }
  });

  it('only ever moves on', () => {
    const { revocations, revoke } = create();
    revoke(alice, now + 1_000);
    revoke(alice, now - 1_000);
    assert.equal(revocations.size, 1);
    assert.equal(revocations.covers(grant({ issuedAt: now })), true);
  });
});

describe('a revocation is kept', () => {
  const now = new FakeClock().now();
  const cases: readonly [
    what: string,
    overrides: Partial<JwtGuardSpec>,
    before: number | undefined,
    until: number,
  ][] = [
    ['for 30 days where tokens may live as long as they like', {}, undefined, now + 1_000 + 30 * DAY_MS],
    [
      'as long as a token may live, and be let in late, by clocks that differ',
      { maxTokenLifetime: 60_000, clockSkew: 5_000 },
      undefined,
      now + 72_000,
    ],
    ['as long after an instant to come', { maxTokenLifetime: 60_000 }, now + 9_000, now + 70_000],
    [
      'as long from now after an instant that is past',
      { maxTokenLifetime: 60_000 },
      now - 9_000,
      now + 62_000,
    ],
  ];
  for (const [what, overrides, before, until] of cases) {
    it(what, () => {
      const at = before === undefined ? undefined : epochMs(before);
      assert.equal(revocationOf(guard(overrides), alice, at, now).expiresAt, until);
    });
  }

  it('and then forgotten', () => {
    const { clock, revocations, revoke } = create();
    revoke(alice);
    clock.advance(30 * DAY_MS);
    assert.deepEqual([revocations.size, revocations.all().length], [1, 1]);
    clock.advance(60_000);
    assert.deepEqual([revocations.size, revocations.all().length], [0, 0]);
  });

  it('under a hash, not under the name', () => {
    assert.match(revocationOf(guard(), alice, undefined, now).key, /^[-\w]{43}$/);
  });
});

describe('who wants to know of revocations', () => {
  it('is told of what is new, and of nothing else', () => {
    const { revocations, revoke } = create();
    let told = 0;
    const stop = revocations.onChange(() => void told++);
    revoke(alice);
    revoke(alice);
    assert.equal(told, 1);
    stop();
    revoke({ kind: 'subject', value: 'bob' });
    assert.equal(told, 1);
  });
});

describe('a guard', () => {
  async function guarded(claims: Members = {}) {
    const recorded = new RecordedGuards();
    await recorded.guards.apply(new Map([['main', { uid: 'u1', generation: 1, spec: spec() }]]));
    const main = recorded.guards.get('main');
    assert.ok(main);
    const token = forge(key, { ...goodClaims(recorded.clock.now()), ...claims });
    const revoke = (target: RevocationTarget) =>
      recorded.guards.revocations.take([revocationOf(main, target, undefined, recorded.clock.now())]);
    const verify = (text: string) => recorded.guards.verify(main, new PresentedToken(text));
    return { recorded, main, token, revoke, verify };
  }
  const isRevoked = (error: unknown) => error instanceof TokenError && error.code === 'revoked';

  it('refuses a revoked token that it has not seen', async (test) => {
    const { recorded, revoke, token, verify } = await guarded();
    test.after(() => recorded.guards.stop());
    revoke(alice);
    await assert.rejects(verify(token), isRevoked);
  });

  it('refuses a revoked token that it has let in before, and judges its grant so', async (test) => {
    const { main, recorded, revoke, token, verify } = await guarded({ jti: 'one' });
    test.after(() => recorded.guards.stop());
    const before = await verify(token);
    await verify(token);
    assert.deepEqual(recorded.cached, ['miss', 'hit']);
    revoke({ kind: 'tokenId', value: 'one' });
    assert.equal(main.rejudge(before), 'revoked');
    await assert.rejects(verify(token), isRevoked);
  });

  it('lets in a token that was issued later', async (test) => {
    const { recorded, revoke, verify } = await guarded();
    test.after(() => recorded.guards.stop());
    revoke(alice);
    recorded.clock.advance(1_000);
    const fresh = forge(key, goodClaims(recorded.clock.now()));
    assert.equal((await verify(fresh)).subject, 'alice');
  });
});
