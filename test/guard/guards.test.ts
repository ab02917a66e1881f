import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { JwtGuardSpec } from '../../src/config/jwt-guard.ts';
import { PresentedToken } from '../../src/guard/presented-token.ts';
import { TokenError } from '../../src/guard/token-error.ts';
import { createKey, forge, goodClaims, guardSpec, jwks } from '../support/issuer.ts';
import { JwksServer, json, status } from '../support/jwks-server.ts';
import { RecordedGuards } from '../support/recorded-guards.ts';
import { until } from '../support/until.ts';

const REFRESH_MS = 600_000;
const first = createKey('first');
const second = createKey('second');
const inline = { inline: jwks(first, second), refreshInterval: REFRESH_MS };

function create(test: TestContext) {
  const recorded = new RecordedGuards();
  test.after(() => recorded.guards.stop());
  let generation = 0;
  /** One guard `main`, changed as a whole; its uid stays unless another is given. */
  const apply = (spec: JwtGuardSpec, uid = 'u1') =>
    recorded.guards.apply(new Map([['main', { uid, generation: ++generation, spec }]]));
  const main = () => {
    const guard = recorded.guards.get('main');
    assert.ok(guard);
    return guard;
  };
  const token = (claims: object = {}, key = first) =>
    forge(key, { ...goodClaims(recorded.clock.now()), ...claims });
  const verify = (text: string) => recorded.guards.verify(main(), new PresentedToken(text));
  return { ...recorded, recorded, apply, main, token, verify };
}

async function serve(test: TestContext, ...keys: readonly (typeof first)[]): Promise<JwksServer> {
  const server = await new JwksServer(json(jwks(...keys))).start();
  test.after(() => server.stop());
  return server;
}

describe('a grant', () => {
  it('holds the evidence that it rests on', async (test) => {
    const { apply, token, clock, verify } = create(test);
    await apply(guardSpec(inline, { clockSkew: 5_000 }));
    const text = token({ sid: 's1' });
    const { claims, scopes, tokenHash, keyThumbprint, ...rest } = await verify(text);
    assert.deepEqual(rest, {
      guard: 'main',
      guardUid: 'u1',
      generation: 1,
      subject: 'alice',
      session: 's1',
      expiresAt: clock.now() + 3_600_000,
      closeAt: clock.now() + 3_605_000,
      issuedAt: clock.now(),
      algorithm: 'ES256',
    });
    assert.deepEqual([claims['sub'], [...scopes]], ['alice', ['read', 'write']]);
    for (const hash of [tokenHash, keyThumbprint]) assert.match(hash, /^[-_\w]{43}$/);
  });

  it('has one hash for one token, however its signature was made', async (test) => {
    const { apply, token, verify } = create(test);
    await apply(guardSpec(inline));
    // ECDSA signatures are random: another signature, the same token.
    const [a, b, c] = [token(), token(), token({ jti: '2' })];
    assert.notEqual(a, b);
    const hashes = await Promise.all([a, b, c].map(async (text) => (await verify(text)).tokenHash));
    assert.equal(hashes[0], hashes[1]);
    assert.notEqual(hashes[0], hashes[2]);
  });

  it('is remembered until it expires, its key goes or the guard changes', async (test) => {
    const { apply, token, clock, cached, verify } = create(test);
    await apply(guardSpec(inline));
    const text = token();
    const grant = await verify(text);
    assert.equal(await verify(text), grant);
    assert.deepEqual(cached, ['miss', 'hit']);
    await apply(guardSpec(inline, { clockSkew: 1 }));
    assert.notEqual(await verify(text), grant);
    clock.advance(3_600_000);
    await assert.doesNotReject(verify(text));
    clock.advance(1);
    await assert.rejects(verify(text), { code: 'expired' });
    assert.deepEqual(cached, ['miss', 'hit', 'miss', 'hit', 'miss']);
    await apply(guardSpec({ ...inline, inline: jwks(second) }));
    await assert.rejects(verify(text), { code: 'unknown_key' });
  });
});

describe('a running grant, judged again', () => {
  const changes: readonly (readonly [string, Partial<JwtGuardSpec>, string | undefined])[] = [
    ['nothing', {}, undefined],
    ['another issuer', { issuer: 'https://other.example/' }, 'wrong_issuer'],
    ['another audience', { audiences: ['other'] }, 'wrong_audience'],
    ['one more audience', { audiences: ['other', 'https://events.example'] }, undefined],
    ['without its algorithm', { algorithms: ['RS256'] }, 'algorithm'],
    ['a shorter lifetime', { maxTokenLifetime: 60_000 }, 'too_long_lived'],
    [
      'its key renamed',
      { jwks: { ...inline, inline: jwks({ jwk: { ...first.jwk, kid: 'x' } }) } },
      undefined,
    ],
    ['its key gone', { jwks: { ...inline, inline: jwks(second) } }, 'unknown_key'],
    [
      'a key set that is empty: the last good one stays',
      { jwks: { ...inline, inline: '{"keys":[]}' } },
      undefined,
    ],
    ['another subject claim', { claims: { subject: 'email', scopes: 'scope', session: 'sid' } }, 'malformed'],
    ['another session claim', { claims: { subject: 'sub', scopes: 'scope', session: 'jti' } }, 'malformed'],
    [
      'a scopes claim that has fewer',
      { claims: { subject: 'sub', scopes: 'scp', session: 'sid' } },
      'malformed',
    ],
    [
      'a scopes claim that has more',
      { claims: { subject: 'sub', scopes: 'all', session: 'sid' } },
      undefined,
    ],
    ['another challenge', { challenge: { leadTime: 10_000, answer: 'Subject' } }, undefined],
  ];
  for (const [what, change, code] of changes) {
    it(`${code ?? 'stands'} after: ${what}`, async (test) => {
      const { apply, main, token, verify } = create(test);
      await apply(guardSpec(inline));
      const claims = { email: 'a@x', jti: '1', scp: 'read', all: 'read write admin' };
      const grant = await verify(token(claims));
      await apply(guardSpec(inline, change));
      assert.equal(main().rejudge(grant), code);
    });
  }

  it('falls with its guard, also when another takes the name', async (test) => {
    const { apply, main, token, guards, verify } = create(test);
    await apply(guardSpec(inline));
    const grant = await verify(token());
    await apply(guardSpec(inline), 'u2');
    assert.equal(main().rejudge(grant), 'wrong_issuer');
    await guards.apply(new Map());
    assert.equal(guards.get('main'), undefined);
  });

  it('falls at its time', async (test) => {
    const { apply, main, token, clock, verify } = create(test);
    await apply(guardSpec(inline));
    const grant = await verify(token());
    clock.advance(3_599_999);
    assert.equal(main().rejudge(grant), undefined);
    clock.advance(1);
    assert.equal(main().rejudge(grant), 'expired');
  });

  it('falls when the issuer drops its key, and not when the issuer is down', async (test) => {
    const { apply, main, token, clock, fetched, recorded, verify } = create(test);
    const server = await serve(test, first);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS }));
    const grant = await verify(token());
    server.answer = status(500);
    clock.advance(REFRESH_MS);
    await until(() => fetched.length === 2);
    assert.equal(main().rejudge(grant), undefined);
    const { changes } = recorded;
    server.answer = json(jwks(second));
    clock.advance(1_000);
    await until(() => fetched.length === 3);
    assert.equal(recorded.changes, changes + 1);
    assert.equal(main().rejudge(grant), 'unknown_key');
    assert.deepEqual(fetched, ['main ok', 'main status', 'main ok']);
  });
});

describe('a guard whose keys come from another URL by now', () => {
  it('waits for the first answer from there, then judges by it alone', async (test) => {
    const { apply, main, token, recorded, verify } = create(test);
    const [before, after] = [await serve(test, first), await serve(test, second)];
    await apply(guardSpec({ uri: before.uri, refreshInterval: REFRESH_MS }));
    const grant = await verify(token());
    let answer: (() => void) | undefined;
    after.answer = (request, response) => {
      answer = () => json(jwks(second))(request, response);
    };
    const applied = apply(guardSpec({ uri: after.uri, refreshInterval: REFRESH_MS }));
    const { changes } = recorded;
    const fresh = verify(token({}, second));
    await until(() => answer !== undefined);
    assert.equal(main().rejudge(grant), undefined, 'nothing is known against it yet');
    assert.equal(main().status().keys, 0);
    after.answer = json(jwks(second));
    answer?.();
    await applied;
    assert.equal((await fresh).subject, 'alice');
    assert.equal(recorded.changes, changes + 1);
    assert.equal(main().rejudge(grant), 'unknown_key');
    await assert.rejects(verify(token()), { code: 'unknown_key' });
  });

  it('lets nobody in when there is no answer, and ends what runs', async (test) => {
    const { apply, main, token, verify } = create(test);
    await apply(guardSpec(inline));
    const grant = await verify(token());
    const server = await serve(test);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS }));
    assert.equal(main().rejudge(grant), 'unknown_key');
    await assert.rejects(verify(token()), { code: 'unknown_key' });
    assert.deepEqual(main().status(), { name: 'main', generation: 2, keys: 0, keysError: 'no_usable_key' });
  });

  it('keeps its keys when only the interval differs', async (test) => {
    const { apply, main, token, verify } = create(test);
    const server = await serve(test, first);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS }));
    server.answer = status(500);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS * 2 }));
    assert.equal((await verify(token())).generation, 2);
    assert.equal(main().status().keysError, 'status');
  });
});

describe('a token that names an unknown key', () => {
  it('makes the guard ask its issuer, once for all of them', async (test) => {
    const { apply, token, clock, verify } = create(test);
    const server = await serve(test, first);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS }));
    server.answer = json(jwks(first, second));
    // The one that asks waits for its answer and gets in; the others are told at once.
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, jti) => verify(token({ jti }, second))),
    );
    assert.equal(outcomes.filter(({ status: outcome }) => outcome === 'fulfilled').length, 1);
    assert.equal(server.requests.length, 2);
    await verify(token({}, second));
    for (const kid of ['a', 'b', 'c']) {
      await assert.rejects(verify(token({}, createKey(kid))), { code: 'unknown_key' });
    }
    assert.equal(server.requests.length, 2);
    clock.advance(30_000);
    await assert.rejects(verify(token({}, createKey('a'))), { code: 'unknown_key' });
    assert.equal(server.requests.length, 3);
  });

  it('but is of another issuer, or names none, asks nobody', async (test) => {
    const { apply, guards, token, verify } = create(test);
    const server = await serve(test, first);
    await apply(guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS }));
    const foreign = token({ iss: 'https://evil.example' }, createKey('x'));
    assert.throws(() => guards.choose(['main'], new PresentedToken(foreign)), { code: 'wrong_issuer' });
    const nameless = forge(createKey('x', 'ES384'), goodClaims(0), { kid: undefined });
    await assert.rejects(verify(nameless), { code: 'unknown_key' });
    assert.equal(server.requests.length, 1);
  });
});

describe('guards', () => {
  const spec = (issuer: string, audience = 'a') => guardSpec(inline, { issuer, audiences: [audience] });
  const documents = new Map([
    ['one', { uid: '1', generation: 1, spec: spec('https://one') }],
    ['two', { uid: '2', generation: 1, spec: spec('https://two') }],
    ['two-b', { uid: '3', generation: 1, spec: spec('https://two', 'b') }],
  ]);
  const names = [...documents.keys()];

  it('are chosen by issuer, then by audience, among those of the path', async (test) => {
    const { guards, token } = create(test);
    await guards.apply(documents);
    const chosen = (iss: string, aud: unknown, among: readonly string[]) =>
      guards.choose(among, new PresentedToken(token({ iss, aud }))).name;
    assert.equal(chosen('https://one', 'a', names), 'one');
    assert.equal(chosen('https://two', 'a', names), 'two');
    assert.equal(chosen('https://two', ['x', 'b'], names), 'two-b');
    assert.equal(chosen('https://two', 'z', names), 'two');
    for (const among of [['one'], ['gone'], []]) {
      assert.throws(() => chosen('https://two', 'a', among), {
        code: 'wrong_issuer',
        message: 'no guard accepts the issuer of the token',
      });
    }
    assert.throws(() => guards.choose(names, new PresentedToken('rubbish')), { code: 'malformed' });
  });

  it('are chosen alike for a token that one of them has verified, whatever the path names beside it', async (test) => {
    const { guards, token } = create(test);
    await guards.apply(documents);
    const text = token({ iss: 'https://two', aud: ['x', 'b'] });
    const paths = [names, names.toReversed(), ['two-b'], ['two'], ['one'], []];
    const chosen = () =>
      paths.map((path) => {
        try {
          return guards.choose(path, new PresentedToken(text)).name;
        } catch (error) {
          return error instanceof TokenError ? error.code : 'unknown';
        }
      });
    const before = chosen();
    assert.deepEqual(before, ['two-b', 'two-b', 'two-b', 'two', 'wrong_issuer', 'wrong_issuer']);
    const guard = guards.choose(names, new PresentedToken(text));
    const grant = await guards.verify(guard, new PresentedToken(text));
    assert.equal(guard.known(new PresentedToken(text)), grant);
    assert.deepEqual(chosen(), before);
    assert.equal(
      guards.get('two')?.known(new PresentedToken(text)),
      undefined,
      'what one has verified is nothing to another',
    );
  });

  it('do not take a token for known that differs in its signature, or when they have changed', async (test) => {
    const { guards, token } = create(test);
    await guards.apply(documents);
    const text = token({ iss: 'https://one', aud: 'a' });
    const guard = guards.choose(['one'], new PresentedToken(text));
    await guards.verify(guard, new PresentedToken(text));
    assert.ok(guard.known(new PresentedToken(text)));
    assert.equal(guard.known(new PresentedToken(`${text.slice(0, text.lastIndexOf('.'))}.AAAA`)), undefined);
    await guards.apply(new Map([['one', { uid: '1', generation: 2, spec: spec('https://other') }]]));
    assert.equal(guard.known(new PresentedToken(text)), undefined);
    assert.throws(() => guards.choose(['one'], new PresentedToken(text)), { code: 'wrong_issuer' });
  });

  it('that have not changed notice nothing', async (test) => {
    const { guards, recorded } = create(test);
    await guards.apply(documents);
    const before = names.map((name) => guards.get(name));
    const { changes } = recorded;
    await guards.apply(new Map(structuredClone([...documents])));
    assert.equal(recorded.changes, changes);
    assert.deepEqual(
      names.map((name) => guards.get(name)),
      before,
    );
    await guards.apply(new Map([...documents].filter(([name]) => name !== 'one')));
    assert.equal(recorded.changes, changes + 1);
    assert.equal(guards.get('two'), before[1]);
  });

  it('tell of a change once it is in force, and no longer to who has gone', async (test) => {
    const { guards } = create(test);
    const seen: (number | undefined)[] = [];
    const leave = guards.onChange(() => void seen.push(guards.get('one')?.generation));
    await guards.apply(documents);
    await guards.apply(new Map([['one', { uid: '1', generation: 2, spec: spec('https://uno') }]]));
    leave();
    await guards.apply(new Map());
    assert.deepEqual(seen, [1, 2]);
  });

  it('say how they are, without a URL, a subject or a token', async (test) => {
    const { guards, clock } = create(test);
    const server = await serve(test, first);
    const remote = guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS });
    await guards.apply(new Map([...documents, ['remote', { uid: '4', generation: 7, spec: remote }]]));
    clock.advance(1_500);
    assert.deepEqual(guards.status(), [
      { name: 'one', generation: 1, keys: 2 },
      { name: 'two', generation: 1, keys: 2 },
      { name: 'two-b', generation: 1, keys: 2 },
      { name: 'remote', generation: 7, keys: 1, keysAgeMs: 1_500 },
    ]);
  });

  it('leave no timer when they stop', async (test) => {
    const { guards, clock } = create(test);
    const server = await serve(test, first);
    const remote = guardSpec({ uri: server.uri, refreshInterval: REFRESH_MS });
    await guards.apply(new Map([['remote', { uid: '4', generation: 7, spec: remote }]]));
    assert.equal(clock.timers, 1);
    guards.stop();
    assert.equal(clock.timers, 0);
  });
});
