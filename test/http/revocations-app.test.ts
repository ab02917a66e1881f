import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import type { RevocationStore } from '../../src/bus/revocation-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { createAdminServer } from '../../src/http/admin-server.ts';
import { createRevocationsApp } from '../../src/http/revocations-app.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { AUDIENCE, forge, ISSUER, type Members } from '../support/issuer.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';

const CREDENTIAL = 'c'.repeat(40);
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const JSON_TYPE = { 'content-type': 'application/json' };

interface Options {
  readonly isConfigured?: boolean;
  readonly put?: RevocationStore['put'];
}

/** The port of revocations of a gateway, on a clock that stands still where only the rate of requests matters. */
async function start(test: TestContext, { isConfigured = true, put }: Options = {}) {
  const server = await startGateway();
  const results: string[] = [];
  const lines: string[] = [];
  const still = new FakeClock();
  const app = createRevocationsApp({
    guards: server.guards,
    store: put === undefined ? server.revocations : Object.assign(Object.create(server.revocations), { put }),
    credential: { isConfigured, accepts: (each) => each === CREDENTIAL },
    clock: { ...systemClock, monotonicMs: () => still.monotonicMs() },
    log: createLog('debug', (line) => lines.push(line)),
    observer: { revoked: (result) => void results.push(result) },
  });
  const admin = createAdminServer(app, 'revocations');
  const port = await admin.start({ host: '127.0.0.1', port: 0 });
  test.after(async () => {
    admin.stop();
    await server[Symbol.asyncDispose]();
  });
  const origin = `http://127.0.0.1:${port}`;
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    request(`${origin}/revocations`, {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${CREDENTIAL}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const logOut = (token: string, guard = 'main') =>
    request(`${origin}/backchannel-logout/${guard}`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
  return { server, origin, post, logOut, results, lines, still };
}

const listen = (server: RunningGateway, claims: Members = {}) =>
  openStream(server.port, '/events', { authorization: `Bearer ${server.token(claims)}` });

function logoutToken(
  { key }: RunningGateway,
  claims: Members = {},
  header: Members = { typ: 'logout+jwt' },
): string {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 60, jti: `${Math.random()}` };
  return forge(key, { ...usual, events: { [EVENT]: {} }, sub: 'alice', ...claims }, header);
}

describe('POST /revocations', () => {
  for (const [what, body, claims] of [
    ['subject', { subject: 'alice' }, {}],
    ['session', { session: 's1' }, { sid: 's1' }],
    ['tokenId', { tokenId: 't1' }, { jti: 't1' }],
  ] as const) {
    it(`ends the streams of a ${what}, and has said so when it answers 204`, async (test) => {
      const { server, post, results, lines } = await start(test);
      using losing = await listen(server, claims);
      using staying = await listen(server, { sub: 'bob', sid: 's2', jti: 't2' });
      const { status, body: text } = await post({ guard: 'main', ...body });
      assert.deepEqual([status, text], [204, '']);
      assert.equal((await losing.next('end')).data, '{"reason":"revoked","reconnect":false}');
      assert.equal(staying.messages.filter(({ event }) => event === 'end').length, 0);
      assert.deepEqual(results, ['stored']);
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)).map(({ message, guard, by }) => [message, guard, by]),
        [['revoked', 'main', what]],
      );
    });
  }

  it('leaves alone what was issued at or after `before`', async (test) => {
    const { server, post } = await start(test);
    const now = Math.floor(Date.now() / 1000);
    const token = (iat: number | undefined) => server.token({ iat, sub: 'carol' });
    assert.equal((await post({ guard: 'main', subject: 'carol', before: now - 60 })).status, 204);
    const status = async (iat: number | undefined) => {
      using stream = await openStream(server.port, '/events', { authorization: `Bearer ${token(iat)}` });
      return stream.status;
    };
    assert.deepEqual(
      [await status(now - 61), await status(undefined), await status(now - 60), await status(now)],
      [401, 401, 200, 200],
    );
  });

  const bad: readonly [what: string, body: unknown, detail: RegExp][] = [
    ['no guard', { subject: 'a' }, /^guard: must be the name/],
    ['a guard that there is not', { guard: 'x', subject: 'a' }, /^guard: there is no such/],
    ['a guard that is no name', { guard: ['main'], subject: 'a' }, /^guard:/],
    ['nothing to revoke', { guard: 'main' }, /^exactly one of subject, session, tokenId/],
    ['two things to revoke', { guard: 'main', subject: 'a', session: 'b' }, /^exactly one of/],
    ['an empty subject', { guard: 'main', subject: '' }, /^subject: must be a string of 1 to 256/],
    ['a long session', { guard: 'main', session: 'x'.repeat(257) }, /^session:/],
    ['a number for a token id', { guard: 'main', tokenId: 5 }, /^tokenId:/],
    ['a lone surrogate', '{"guard":"main","subject":"\\ud800"}', /^subject:/],
    ['a date for before', { guard: 'main', subject: 'a', before: '2026-01-01' }, /^before: must be a number/],
    ['a negative before', { guard: 'main', subject: 'a', before: -1 }, /^before: must be a number/],
    ['an empty before', { guard: 'main', subject: 'a', before: null }, /^before: must be a number/],
    [
      'milliseconds for seconds',
      { guard: 'main', subject: 'a', before: Date.now() },
      /^before: must be at most 5 minutes ahead/,
    ],
    [
      'an unknown field',
      { guard: 'main', subject: 'a', befor: 1 },
      /^unknown field: there are guard, subject/,
    ],
  ];
  for (const [what, body, detail] of bad) {
    it(`refuses ${what}, names the rule, and revokes nothing`, async (test) => {
      const { server, post, results } = await start(test);
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.code], [400, 'bad_revocation']);
      assert.match(JSON.parse(answer.body).detail, detail);
      assert.deepEqual([server.guards.revocations.size, results], [0, ['refused']]);
    });
  }

  const refusals: readonly [
    status: number,
    code: string,
    what: string,
    body: string,
    headers: Record<string, string>,
  ][] = [
    [401, 'missing_credential', 'without the credential', '{}', { authorization: '' }],
    [401, 'wrong_credential', 'with another one', '{}', { authorization: `Bearer ${'d'.repeat(40)}` }],
    [401, 'wrong_credential', 'with another scheme', '{}', { authorization: `Basic ${CREDENTIAL}` }],
    [400, 'bad_json', 'with what is no JSON', '{', {}],
    [400, 'bad_json', 'with a list', '[]', {}],
    [415, 'not_json', 'with what does not say it is JSON', '{}', { 'content-type': 'text/plain' }],
    [413, 'too_large', 'with over 4 KiB', ' '.repeat(4_097), {}],
  ];
  for (const [status, code, what, body, headers] of refusals) {
    it(`is refused ${what}: ${status} ${code}`, async (test) => {
      const { post, results } = await start(test);
      const answer = await post(body, headers);
      assert.deepEqual([answer.status, answer.code], [status, code]);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.equal(answer.headers.has('www-authenticate'), status === 401);
      assert.deepEqual(results, ['refused']);
    });
  }

  it('says that nothing was done when Redis is away', async (test) => {
    const { server, post, results } = await start(test, { put: () => Promise.reject(new BusError('away')) });
    using stream = await listen(server);
    const answer = await post({ guard: 'main', subject: 'alice' });
    assert.deepEqual([answer.status, answer.code], [503, 'revocations_unavailable']);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(stream.messages.filter(({ event }) => event === 'end').length, 0);
    assert.deepEqual(results, ['unavailable']);
  });

  it('says that nothing was done when there is no room', async (test) => {
    const { post, results } = await start(test, { put: async () => 'full' });
    const answer = await post({ guard: 'main', subject: 'alice' });
    assert.deepEqual([answer.status, answer.code], [507, 'revocations_full']);
    assert.deepEqual(results, ['full']);
  });

  it('is not there without a credential', async (test) => {
    const { post } = await start(test, { isConfigured: false });
    assert.equal((await post({ guard: 'main', subject: 'alice' })).status, 404);
  });

  it('takes 100 a second from one address', async (test) => {
    const { post, still } = await start(test);
    const body = { guard: 'main', subject: 'alice' };
    // Fewer at a time than the port takes connections.
    for (let i = 0; i < 100; i += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(body)));
      assert.ok(answers.every(({ status }) => status === 204));
    }
    const late = await post(body);
    assert.deepEqual([late.status, late.code], [429, 'too_many_revocations']);
    still.advance(1_000);
    assert.equal((await post(body)).status, 204);
  });
});

describe('POST /backchannel-logout/GUARD', () => {
  it('ends the sessions of the subject, 200', async (test) => {
    const { server, logOut, results } = await start(test);
    using losing = await listen(server, { sid: 's1' });
    using staying = await listen(server, { sub: 'bob' });
    const answer = await logOut(logoutToken(server));
    assert.deepEqual([answer.status, answer.body], [200, '']);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal((await losing.next('end')).data, '{"reason":"revoked","reconnect":false}');
    assert.equal(staying.messages.filter(({ event }) => event === 'end').length, 0);
    assert.deepEqual(results, ['stored']);
  });

  it('ends the session alone, and what does not say its session', async (test) => {
    const { server, logOut } = await start(test);
    using meant = await listen(server, { sid: 's1' });
    using silent = await listen(server);
    using other = await listen(server, { sid: 's2' });
    assert.equal((await logOut(logoutToken(server, { sid: 's1' }))).status, 200);
    for (const each of [meant, silent]) await each.next('end');
    assert.equal(other.messages.filter(({ event }) => event === 'end').length, 0);
  });

  it('may be repeated, and takes no other token of the same id', async (test) => {
    const { server, logOut, results } = await start(test);
    using other = await listen(server, { sub: 'bob' });
    const token = logoutToken(server, { jti: 'one' });
    for (let times = 0; times < 2; times++) assert.equal((await logOut(token)).status, 200);
    const another = await logOut(logoutToken(server, { jti: 'one', sub: 'bob' }));
    assert.deepEqual([another.status, another.code], [400, 'repeated_logout_token']);
    assert.equal(other.messages.filter(({ event }) => event === 'end').length, 0);
    assert.deepEqual(results, ['stored', 'stored', 'repeated']);
  });

  it('may be repeated after a 503, whether or not that one has been taken', async (test) => {
    let lost = 0;
    const { server, logOut } = await start(test, {
      async put(this: RevocationStore, ...what) {
        const outcome = await Object.getPrototypeOf(this).put(...what);
        if (lost++ === 0) throw new BusError('the reply was lost');
        return outcome;
      },
    });
    using losing = await listen(server);
    const token = logoutToken(server);
    assert.equal((await logOut(token)).status, 503);
    assert.equal((await logOut(token)).status, 200);
    await losing.next('end');
  });

  it('refuses one that is not valid, names the rule and no value', async (test) => {
    const { server, logOut, lines } = await start(test);
    const answer = await logOut(logoutToken(server, { nonce: 'secret-nonce', sub: 'somebody' }));
    assert.deepEqual([answer.status, answer.code], [400, 'bad_logout_token']);
    assert.equal(JSON.parse(answer.body).detail, 'nonce: must not be there');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    for (const text of [answer.body, ...lines]) assert.doesNotMatch(text, /secret-nonce|somebody/);
  });

  it('is no way in for an access token', async (test) => {
    const { server, logOut } = await start(test);
    assert.equal((await logOut(server.token())).code, 'bad_logout_token');
  });

  it('knows only the guards that there are', async (test) => {
    const { server, logOut } = await start(test);
    assert.equal((await logOut(logoutToken(server), 'other')).status, 404);
  });

  const refusals: readonly [number, string, string, RequestInit][] = [
    [415, 'not_a_form', 'JSON', { body: '{}', headers: JSON_TYPE }],
    [400, 'bad_logout_token', 'a form without the token', { body: new URLSearchParams({ token: 'x' }) }],
    [400, 'bad_logout_token', 'two tokens', { body: new URLSearchParams('logout_token=a&logout_token=b') }],
    [
      413,
      'too_large',
      'a form over 32 KiB',
      { body: new URLSearchParams({ logout_token: 'x'.repeat(32_768) }) },
    ],
  ];
  for (const [status, code, what, init] of refusals) {
    it(`refuses ${what}: ${status} ${code}`, async (test) => {
      const { origin } = await start(test);
      const answer = await request(`${origin}/backchannel-logout/main`, { method: 'POST', ...init });
      assert.deepEqual([answer.status, answer.code], [status, code]);
    });
  }
});

describe('the port of revocations', () => {
  it('has nothing else, and takes nothing but POST', async (test) => {
    const { origin } = await start(test);
    for (const path of ['/', '/events', '/revocations/', '/backchannel-logout/', '/metrics', '/livez']) {
      assert.equal((await request(`${origin}${path}`, { method: 'POST' })).status, 404, path);
    }
    for (const path of ['/revocations', '/backchannel-logout/main']) {
      const answer = await request(`${origin}${path}`);
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'POST']);
    }
  });

  it('fills no log for whoever knocks often', async (test) => {
    const { origin, post, lines } = await start(test);
    const levels = () => lines.splice(0).map((line) => JSON.parse(line).level);
    await request(`${origin}/`, { method: 'POST' });
    await request(`${origin}/revocations`);
    assert.deepEqual(levels(), ['debug', 'debug']);
    for (let i = 0; i < 101; i++) await post({}, { authorization: '' });
    assert.deepEqual(levels(), [...Array(100).fill('warn'), 'debug']);
  });
});
