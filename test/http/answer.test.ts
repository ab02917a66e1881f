import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { AUDIENCE, createKey, forge, ISSUER } from '../support/issuer.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';

const ANSWER = 'application/x-challenge-response';
const SUBJECT = { guard: 'challenge: { leadTime: 60s, answer: Subject }' };
const STREAM = { guard: 'challenge: { leadTime: 60s }' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function answer(
  server: RunningGateway,
  token: string,
  headers: Record<string, string> = {},
  path = '/events',
) {
  return request(`${server.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': ANSWER, ...bearer(token), ...headers },
  });
}

async function challenged(server: RunningGateway, claims = {}) {
  const token = server.token(claims, 30);
  const stream = await openStream(server.port, '/events', bearer(token));
  const { data } = await stream.next('challenge');
  const headers: Record<string, string> = JSON.parse(data).headers;
  return { stream, token, data, headers, id: headers['challenge-id'] ?? '' };
}

describe('an answer to the subject (answer: Subject)', () => {
  it('is asked for by exactly these bytes', async () => {
    await using server = await startGateway(SUBJECT);
    const { stream } = await challenged(server);
    using _ = stream;
    assert.ok(
      stream
        .body()
        .endsWith(
          'event:challenge\ndata:{"method":"POST","headers":{"content-type":"application/x-challenge-response"}}\n\n',
        ),
    );
  });

  it('extends every stream of the subject, challenged or not, and no other', async () => {
    await using server = await startGateway(SUBJECT);
    using early = await openStream(server.port, '/events', bearer(server.token({}, 5)));
    using other = await openStream(server.port, '/events', bearer(server.token({ sub: 'bob' }, 5)));
    using session = await openStream(server.port, '/events', bearer(server.token({ sid: 's1' }, 5)));
    assert.equal((await answer(server, server.token({}, 300))).status, 204);
    await Promise.all([other.ended, session.ended]);
    await server.publish('still here');
    assert.equal((await early.next('message')).data, 'still here');
    assert.match(other.body(), /token_expired/);
    assert.match(session.body(), /token_expired/, 'another session is another holder');
  });

  it('counts on any path, with parameters, by cookie, header over query', async () => {
    await using server = await startGateway(SUBJECT);
    const { stream, token } = await challenged(server);
    using _ = stream;
    const fresh = () => bearer(server.token({}, 200 + Math.random() * 100));
    const post = (path: string, headers: Record<string, string>) =>
      request(`${server.origin}${path}`, { method: 'POST', headers: { 'content-type': ANSWER, ...headers } });
    assert.equal((await post(`/events?access_token=${token}`, bearer(server.token({}, 100)))).status, 204);
    assert.equal((await post('/elsewhere', bearer(server.token({}, 150)))).status, 204);
    assert.equal((await post('/events', { ...fresh(), 'content-type': `${ANSWER}; v=1` })).status, 204);
    assert.equal((await post(`/events?access_token=${server.token({}, 900)}`, {})).status, 204);
  });
});

describe('an answer to one stream (answer: Stream)', () => {
  it('extends that stream alone, and may be repeated', async () => {
    await using server = await startGateway(STREAM);
    const asked = await challenged(server);
    using _ = asked.stream;
    assert.match(asked.id, /^pod-1\.[\w-]{22}$/);
    const fresh = server.token({}, 600);
    const first = await answer(server, fresh, asked.headers);
    assert.equal(first.status, 204);
    assert.equal(first.body, '');
    assert.equal((await answer(server, fresh, asked.headers)).status, 204, 'idempotent');
    assert.deepEqual(
      server.observed.notes.filter((note) => note.startsWith('challenge')),
      ['challenge main sent', 'challenge main answered'],
    );
  });

  it('is asked again before the new exp, with another id', async () => {
    await using server = await startGateway(STREAM);
    const asked = await challenged(server);
    using stream = asked.stream;
    assert.equal((await answer(server, server.token({}, 40), asked.headers)).status, 204);
    const again = JSON.parse((await stream.next('challenge', 2)).data).headers['challenge-id'];
    assert.notEqual(again, asked.id);
    assert.equal((await answer(server, server.token({}, 90), asked.headers)).code, 'no_such_challenge');
    assert.equal((await answer(server, server.token({}, 90), { 'challenge-id': again })).status, 204);
  });

  it('is refused by its rule, which neither spends the challenge nor shortens the stream', async () => {
    await using server = await startGateway({
      ...STREAM,
      gateway:
        'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: ["events:read"], topics: [events, "t.${team}"] }]',
    });
    const asked = await challenged(server, { team: 'red' });
    using stream = asked.stream;
    const team = { team: 'red' };
    const stranger = createKey('k1');
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', scope: 'events:read', exp: now + 600, ...team };
    for (const [name, token, headers, status, code] of [
      ['no id', server.token(team, 600), {}, 400, 'missing_challenge_id'],
      ['an unknown id', server.token(team, 600), { 'challenge-id': 'pod-1.x' }, 404, 'no_such_challenge'],
      ['no later', server.token(team, 20), asked.headers, 409, 'not_later'],
      ['the same token', asked.token, asked.headers, 409, 'not_later'],
      ['another subject', server.token({ ...team, sub: 'bob' }, 600), asked.headers, 403, 'other_subject'],
      ['no subject', server.token({ ...team, sub: undefined }, 600), asked.headers, 403, 'other_subject'],
      ['a scope less', server.token({ ...team, scope: 'x' }, 600), asked.headers, 403, 'insufficient_scope'],
      ['other topics', server.token({ team: 'blue' }, 600), asked.headers, 403, 'claims_changed'],
      ['expired', server.token(team, -5), asked.headers, 401, 'expired'],
      ['a foreign key', forge(stranger, good), asked.headers, 401, 'bad_signature'],
    ] as const) {
      const refused = await answer(server, token, headers);
      assert.deepEqual([refused.status, refused.code], [status, code], name);
      assert.equal(refused.headers.get('access-control-allow-origin'), '*', name);
    }
    assert.equal((await answer(server, server.token(team, 600), asked.headers)).status, 204);
    await server.publish('still here');
    assert.equal((await stream.next('message')).data, 'still here');
  });

  it('may carry a small body and no more, and not more than ten a second', async () => {
    await using server = await startGateway(STREAM);
    const post = (body: string) =>
      request(`${server.origin}/events`, {
        method: 'POST',
        headers: { 'content-type': ANSWER, ...bearer(server.token()), 'challenge-id': 'x' },
        body,
      });
    assert.equal((await post('x'.repeat(1024))).status, 404);
    assert.equal((await post('x'.repeat(1025))).code, 'too_large');
    const all = await Promise.all(Array.from({ length: 30 }, () => post('')));
    const limited = all.filter(({ status }) => status === 429);
    assert.ok(limited.length >= 10, `${limited.length} of 30 limited`);
    assert.equal(limited[0]?.code, 'too_many_answers');
    assert.equal(limited[0]?.headers.get('retry-after'), '1');
  });

  it('without a token is refused as RFC 6750 says', async () => {
    await using server = await startGateway(STREAM);
    const refused = await request(`${server.origin}/events`, {
      method: 'POST',
      headers: { 'content-type': ANSWER },
    });
    assert.deepEqual([refused.status, refused.code], [401, 'missing']);
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="tidegate"');
  });
});
