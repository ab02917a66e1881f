import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a stream', () => {
  it('opens with its headers, a retry and the position, then carries events', async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', bearer(server.token()));
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
    assert.equal(stream.headers['x-accel-buffering'], 'no');
    assert.equal(stream.headers['access-control-allow-origin'], '*');
    const id = await server.publish(' two\r\nlines', { type: 'note' });
    assert.deepEqual(await stream.next('note'), { id, event: 'note', data: ' two\nlines' });
    assert.match(
      stream.body(),
      /^retry:(1[5-9]|2[0-5])\d\d\nid:0-0\n\nid:\d+-\d+\nevent:note\ndata: {2}two\ndata:lines\n\n$/,
    );
  });

  it('takes the token from the header, the query or a cookie', async () => {
    await using server = await startGateway({
      guard: 'credentials: { cookie: session }',
      gateway:
        'cors: { origins: ["https://app.example"] }, streams: [{ path: /events, guardRefs: [{ name: main }] }]',
    });
    const token = server.token();
    for (const [path, headers] of [
      ['/events', { authorization: `bEARER ${token}` }],
      [`/events?access_token=${token}`, {}],
      ['/events', { cookie: `a=b; session=${token}` }],
      [`/events?access_token=${token}`, { cookie: `session=${token}` }],
    ] as const) {
      using stream = await openStream(server.port, path, headers);
      assert.equal(stream.status, 200, path);
    }
    using conflicting = await openStream(
      server.port,
      `/events?access_token=${server.token()}x`,
      bearer(token),
    );
    assert.equal(conflicting.status, 400);
  });

  it('resumes after the id it is given, in the header or the query', async () => {
    await using server = await startGateway();
    const ids = [];
    for (const data of ['a', 'b', 'c', 'd']) ids.push(await server.publish(data));
    for (const [path, headers] of [
      ['/events', { 'last-event-id': ids[1] ?? '' }],
      [`/events?lastEventId=${ids[1]}`, {}],
    ] as const) {
      using stream = await openStream(server.port, path, { ...bearer(server.token()), ...headers });
      await stream.next('message', 2);
      assert.deepEqual(
        stream.messages.map(({ data }) => data),
        ['c', 'd'],
      );
      assert.doesNotMatch(stream.body().split('\n\n')[0] ?? '', /^id:/m, 'no position when resuming');
    }
  });

  it('tells a gap for an id that means nothing here', async () => {
    await using server = await startGateway();
    await server.publish('a');
    using stream = await openStream(server.port, '/events', {
      ...bearer(server.token()),
      'last-event-id': 'zürich',
    });
    assert.deepEqual(JSON.parse((await stream.next('gap')).data), { requested: 'zürich', oldest: null });
    await server.publish('b');
    assert.equal((await stream.next('message')).data, 'b');
  });

  it('narrows to the topics asked for', async () => {
    await using server = await startGateway({
      gateway: 'streams: [{ path: /events, topics: [news, "orders.${sub}"], guardRefs: [{ name: main }] }]',
    });
    using stream = await openStream(server.port, '/events?topic=orders.alice', bearer(server.token()));
    await server.publish('not for this one', { topic: 'news' });
    await server.publish("not alice's", { topic: 'orders.bob' });
    await server.publish('order', { topic: 'orders.alice' });
    assert.equal((await stream.next('message')).data, 'order');
    assert.equal(stream.messages.length, 1);
  });

  it('gets what is for its subject alone, and nobody else does', async () => {
    await using server = await startGateway();
    using alice = await openStream(server.port, '/events', bearer(server.token()));
    using bob = await openStream(server.port, '/events', bearer(server.token({ sub: 'bob' })));
    await server.publish('for all 1');
    await server.publish('for bob', { to: 'bob' });
    await server.publish('for all 2');
    await bob.next('message', 3);
    await alice.next('message', 2);
    assert.deepEqual(
      bob.messages.map(({ data }) => data),
      ['for all 1', 'for bob', 'for all 2'],
    );
    assert.deepEqual(
      alice.messages.map(({ data }) => data),
      ['for all 1', 'for all 2'],
    );
  });

  it('is open to everybody where the path is public', async () => {
    await using server = await startGateway({ gateway: 'streams: [{ path: /news, public: true }]' });
    using stream = await openStream(server.port, '/news');
    assert.equal(stream.status, 200);
  });

  it('ends at exp with its reason and a last chunk, never before', async () => {
    await using server = await startGateway();
    const token = server.token({}, 4.2);
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    using stream = await openStream(server.port, '/events', bearer(token));
    const { clean, at } = await stream.ended;
    assert.ok(clean);
    assert.ok(at >= Math.floor(exp * 1000), 'not early');
    assert.match(stream.body(), /event:end\ndata:\{"reason":"token_expired","reconnect":false\}\n\n$/);
    assert.deepEqual(
      server.observed.notes.filter((note) => note.startsWith('closed')),
      ['closed token_expired'],
    );
  });

  it('ends when it is asked for something else meanwhile (pipelining)', async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', bearer(server.token()));
    stream.socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n');
    assert.equal((await stream.ended).clean, false);
  });
});

describe('a running stream', () => {
  it('notices nothing of a change that still lets it in', async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', bearer(server.token()));
    server.apply({ guard: 'clockSkew: 1s' });
    await server.publish('still here');
    assert.equal((await stream.next('message')).data, 'still here');
  });

  for (const [change, options] of Object.entries({
    'a scope is added': {
      gateway: 'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: [admin] }]',
    },
    'its path is removed': { gateway: 'streams: [{ path: /other, guardRefs: [{ name: main }] }]' },
    'its path becomes public': { gateway: 'streams: [{ path: /events, public: true }]' },
    'tokens may not live that long': { guard: 'maxTokenLifetime: 10s' },
    'its algorithm is no longer accepted': { guard: 'algorithms: [RS256]' },
  })) {
    it(`ends as guard_changed when ${change}`, async () => {
      await using server = await startGateway();
      using stream = await openStream(server.port, '/events', bearer(server.token()));
      server.apply(options);
      assert.deepEqual(JSON.parse((await stream.next('end')).data), {
        reason: 'guard_changed',
        reconnect: false,
      });
      assert.ok((await stream.ended).clean);
    });
  }
});
