import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { createDevPages } from '../../src/http/dev-pages.ts';
import { startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a request that is refused', () => {
  it('gets its status, code and headers', async () => {
    await using server = await startGateway();
    const token = server.token();
    const table: readonly [string, string, RequestInit, number, string, Record<string, string | RegExp>][] = [
      ['no token', '/events', {}, 401, 'missing', { 'www-authenticate': 'Bearer realm="tidegate"' }],
      ['another scheme', '/events', { headers: { authorization: 'Basic eA==' } }, 401, 'missing', {}],
      [
        'rubbish',
        '/events',
        { headers: bearer('x.y.z') },
        401,
        'malformed',
        { 'www-authenticate': /error="invalid_token"/ },
      ],
      [
        'expired',
        '/events',
        { headers: bearer(server.token({}, -1)) },
        401,
        'expired',
        { 'www-authenticate': /error="invalid_token"/ },
      ],
      ['no exp', '/events', { headers: bearer(server.token({ exp: undefined })) }, 401, 'malformed', {}],
      ['another issuer', '/events', { headers: bearer(server.token({ iss: 'x' })) }, 401, 'wrong_issuer', {}],
      [
        'another audience',
        '/events',
        { headers: bearer(server.token({ aud: 'x' })) },
        401,
        'wrong_audience',
        {},
      ],
      ['a token of 9 KiB', '/events', { headers: bearer('x'.repeat(9000)) }, 401, 'malformed', {}],
      [
        'a scope less',
        '/events',
        { headers: bearer(server.token({ scope: 'x' })) },
        403,
        'insufficient_scope',
        { 'www-authenticate': 'Bearer realm="tidegate", error="insufficient_scope", scope="events:read"' },
      ],
      ['a topic not granted', '/events?topic=x', { headers: bearer(token) }, 403, 'topic_forbidden', {}],
      [
        'two tokens',
        `/events?access_token=${server.token({}, 60)}`,
        { headers: bearer(token) },
        400,
        'conflicting_tokens',
        {},
      ],
      [
        'a long last id',
        '/events',
        { headers: { ...bearer(token), 'last-event-id': '1'.repeat(255) } },
        400,
        'last_event_id_too_long',
        {},
      ],
      ['another path', '/other', { headers: bearer(token) }, 404, 'not_found', {}],
      ['a trailing slash', '/events/', { headers: bearer(token) }, 404, 'not_found', {}],
      ['HEAD', '/events', { method: 'HEAD' }, 405, '', { allow: 'GET, POST, OPTIONS' }],
      ['DELETE', '/events', { method: 'DELETE' }, 405, 'method_not_allowed', { allow: 'GET, POST, OPTIONS' }],
      [
        'another POST',
        '/events',
        { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
        415,
        'unsupported_media_type',
        {},
      ],
    ];
    for (const [name, path, init, status, code, headers] of table) {
      const refused = await request(`${server.origin}${path}`, init);
      assert.equal(refused.status, status, name);
      if (code !== '') assert.equal(refused.code, code, name);
      assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/, name);
      assert.equal(refused.headers.get('access-control-allow-origin'), '*', name);
      for (const [header, value] of Object.entries(headers)) {
        const actual = refused.headers.get(header) ?? '';
        if (typeof value === 'string') assert.equal(actual, value, `${name}: ${header}`);
        else assert.match(actual, value, `${name}: ${header}`);
      }
    }
  });

  it('with a body where none belongs, is told so', async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', {
      ...bearer(server.token()),
      'content-length': '5',
    });
    assert.equal(stream.status, 400);
  });

  it('for one subject too many is 429, but a resume has room for what is not yet known to be gone', async () => {
    await using server = await startGateway({
      gateway: 'streams: [{ path: /events, guardRefs: [{ name: main }] }], limits: { perSubject: 1 }',
    });
    const token = server.token();
    using first = await openStream(server.port, '/events', bearer(token));
    assert.equal(first.status, 200);
    const second = await request(`${server.origin}/events`, {
      headers: bearer(server.token({ jti: 'another' })),
    });
    assert.deepEqual([second.status, second.code], [429, 'per_subject']);
    assert.match(second.headers.get('retry-after') ?? '', /^\d+$/);
    using resumed = await openStream(server.port, '/events', { ...bearer(token), 'last-event-id': '0-0' });
    assert.equal(resumed.status, 200);
    using bob = await openStream(server.port, '/events', bearer(server.token({ sub: 'bob' })));
    assert.equal(bob.status, 200);
  });

  it('because the server is full is turned away in a way that an EventSource survives', async () => {
    await using server = await startGateway({
      gateway: 'streams: [{ path: /events, public: true }], limits: { connections: 1 }',
    });
    using first = await openStream(server.port, '/events');
    assert.equal(first.status, 200);
    const turned = await request(`${server.origin}/events`, { headers: { accept: 'text/event-stream' } });
    assert.equal(turned.status, 200);
    assert.match(turned.body, /^retry:(\d{4,5})\nevent:end\ndata:\{"reason":"full","reconnect":true\}\n\n$/);
    const retry = Number(/^retry:(\d+)/.exec(turned.body)?.[1]);
    assert.ok(retry >= 5_000 && retry <= 15_000);
    const other = await request(`${server.origin}/events`, { headers: { accept: 'application/json' } });
    assert.deepEqual([other.status, other.code], [503, 'full']);
    assert.ok(server.observed.notes.includes('rejected full'));
  });

  it('never finds its token again in what is answered', async () => {
    await using server = await startGateway();
    const token = server.token({ aud: 'x', sub: 'very-secret-subject' });
    const refused = await request(`${server.origin}/events?access_token=${token}`);
    const told = refused.body + JSON.stringify([...refused.headers]);
    for (const secret of [token, 'very-secret-subject', 'access_token']) assert.ok(!told.includes(secret));
  });
});

describe('CORS', () => {
  const LIST = {
    guard: 'credentials: { cookie: session }',
    gateway:
      'cors: { origins: ["https://app.example"] }, streams: [{ path: /events, guardRefs: [{ name: main }] }]',
  };

  it('answers a preflight on any path', async () => {
    await using server = await startGateway();
    for (const path of ['/events', '/elsewhere']) {
      const answer = await request(`${server.origin}${path}`, {
        method: 'OPTIONS',
        headers: { origin: 'https://x.example' },
      });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      assert.equal(answer.headers.get('access-control-allow-methods'), 'GET, POST');
      assert.equal(
        answer.headers.get('access-control-allow-headers'),
        'authorization, content-type, challenge-id, last-event-id',
      );
    }
  });

  it('is not for the pages of dev, whose endpoints hand out tokens', async () => {
    const mint = async () => ({ token: 't', expiresAt: epochMs(0) });
    const pages = createDevPages({ mint, publish: async () => ({ id: '0-1' }) });
    await using server = await startGateway({ pages });
    for (const path of ['/', '/dev/token', '/dev/events']) {
      const answer = await request(`${server.origin}${path}`, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example' },
      });
      assert.equal(answer.status, 405, path);
      for (const name of answer.headers.keys()) assert.doesNotMatch(name, /^access-control-/, path);
    }
  });

  it('echoes a listed origin and allows it credentials', async () => {
    await using server = await startGateway(LIST);
    const answer = await request(`${server.origin}/events`, { headers: { origin: 'https://app.example' } });
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example');
    assert.equal(answer.headers.get('access-control-allow-credentials'), 'true');
    assert.match(answer.headers.get('vary') ?? '', /origin/i);
    assert.equal(answer.headers.get('access-control-expose-headers'), 'www-authenticate, retry-after');
  });

  it('refuses the preflight of a foreign origin and lets it read nothing', async () => {
    await using server = await startGateway(LIST);
    const init = { method: 'OPTIONS', headers: { origin: 'https://evil.example' } };
    const refused = await request(`${server.origin}/events`, init);
    assert.deepEqual([refused.status, refused.code], [403, 'foreign_origin']);
    assert.equal(refused.headers.get('access-control-allow-origin'), null);
  });
});
