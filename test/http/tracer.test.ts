import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { HttpTracer, RequestEnd } from '../../src/http/tracer.ts';
import { startGateway } from '../support/gateway.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';
import { until } from '../support/until.ts';

const ANSWER = { 'content-type': 'application/x-challenge-response' };

/** Notes such as `subscribe` with what came of it. */
function recordingTracer() {
  const notes: [name: string, parent: string, end: RequestEnd][] = [];
  const tracer: HttpTracer = { begin: (name, parent) => (end) => void notes.push([name, parent, end]) };
  return { notes, tracer };
}

describe('what a trace is told of a request', () => {
  it('of a stream: its path as configured, its guard, and whether it resumes', async () => {
    const { notes, tracer } = recordingTracer();
    await using gateway = await startGateway({ tracer });
    const token = gateway.token();
    const authorization = `Bearer ${token}`;
    using first = await openStream(gateway.port, '/events?topic=events', { authorization, traceparent: 'p' });
    using second = await openStream(gateway.port, '/events', { authorization, 'last-event-id': '1-0' });
    assert.deepEqual([first.status, second.status], [200, 200]);
    const opened = { path: '/events', guard: 'main', outcome: 'opened', failed: false };
    assert.deepEqual(notes, [
      ['subscribe', 'p', { ...opened, resumed: false }],
      ['subscribe', '', { ...opened, resumed: true }],
    ]);
  });

  it('of one that is refused: the code, and the guard that judged it', async () => {
    const { notes, tracer } = recordingTracer();
    await using gateway = await startGateway({ tracer });
    const get = (token: string) =>
      request(`${gateway.origin}/events`, { headers: { authorization: `Bearer ${token}` } });
    const codes = [
      (await request(`${gateway.origin}/events`)).status,
      (await get(gateway.token({}, -10))).status,
      (await get('no.token.at-all')).status,
    ];
    assert.deepEqual(codes, [401, 401, 401]);
    assert.deepEqual(
      notes.map(([, , { guard, outcome, failed }]) => [guard, outcome, failed]),
      [
        [undefined, 'missing', false],
        ['main', 'expired', false],
        [undefined, 'malformed', false],
      ],
    );
  });

  it('of one that is turned away: why, although its status is 200', async () => {
    const { notes, tracer } = recordingTracer();
    await using gateway = await startGateway({ tracer });
    gateway.gateway.hub.drain(60_000);
    const { status } = await request(`${gateway.origin}/events`, {
      headers: { accept: 'text/event-stream' },
    });
    assert.equal(status, 200);
    const plain = await request(`${gateway.origin}/events`);
    assert.equal(plain.status, 503);
    assert.deepEqual(
      notes.map(([, , { outcome, failed }]) => [outcome, failed]),
      [
        ['draining', false],
        ['draining', true],
      ],
    );
  });

  it('of an answer: what it came to and who was asked, on whatever path', async () => {
    const { notes, tracer } = recordingTracer();
    await using gateway = await startGateway({
      tracer,
      guard: 'challenge: { leadTime: 1h, answer: Subject }',
    });
    using stream = await openStream(gateway.port, '/events', {
      authorization: `Bearer ${gateway.token({}, 60)}`,
    });
    await stream.next('challenge');
    notes.length = 0;
    const answer = (path: string, ttl: number, subject = 'alice') =>
      request(`${gateway.origin}${path}`, {
        method: 'POST',
        headers: { ...ANSWER, authorization: `Bearer ${gateway.token({ sub: subject }, ttl)}` },
      });
    assert.deepEqual(
      [
        (await answer('/events', 120)).status,
        (await answer('/elsewhere', 30)).status,
        (await answer('/events', 120, 'bob')).status,
      ],
      [204, 409, 404],
    );
    const end = { guard: 'main', failed: false, owner: 'local' };
    assert.deepEqual(
      notes.map(([name, , rest]) => [name, rest]),
      [
        ['answer', { ...end, path: '/events', outcome: 'applied' }],
        ['answer', { ...end, path: undefined, outcome: 'not_later' }],
        ['answer', { ...end, path: '/events', outcome: 'no_such_challenge' }],
      ],
    );
  });

  it('nothing of requests that are neither', async () => {
    const { notes, tracer } = recordingTracer();
    await using gateway = await startGateway({ tracer });
    await request(`${gateway.origin}/events`, { method: 'OPTIONS' });
    await request(`${gateway.origin}/events`, { method: 'POST' });
    await request(`${gateway.origin}/nowhere`);
    assert.deepEqual(notes, []);
  });

  it('of a peer that left while it was judged: that it is gone', async (test) => {
    const { notes, tracer } = recordingTracer();
    const known = createKey('known');
    const held: (() => void)[] = [];
    const issuer = await new JwksServer(json(jwks(known))).start();
    test.after(() => issuer.stop());
    await using gateway = await startGateway({ tracer, jwks: `uri: '${issuer.uri}'` });
    issuer.answer = (...exchange) => {
      held.push(() => json(jwks(gateway.key))(...exchange));
    };
    const socket = connect(gateway.port, '127.0.0.1');
    test.after(() => socket.destroy());
    socket.write(
      `GET /events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gateway.token()}\r\n\r\n`,
    );
    await until(() => held.length === 1);
    socket.resetAndDestroy();
    await once(socket, 'close');
    // The gateway has to see it too, which nothing tells: it is looked at again by a request of its own.
    await request(`${gateway.origin}/nowhere`);
    held[0]?.();
    await until(() => notes.length === 1);
    assert.deepEqual(notes[0]?.[2], {
      path: '/events',
      guard: 'main',
      outcome: 'gone',
      failed: false,
      resumed: false,
    });
  });
});
