import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { type RevocationTarget, revocationOf } from '../../src/guard/revocation.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';
import { until } from '../support/until.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function revoke({ guards }: RunningGateway, target: RevocationTarget): void {
  const guard = guards.get('main');
  assert.ok(guard);
  guards.revocations.take([revocationOf(guard, target, undefined, epochMs(Date.now()))]);
}

describe('a revocation', () => {
  for (const [what, target, claims, others] of [
    ['subject', { kind: 'subject', value: 'alice' }, {}, { sub: 'bob' }],
    ['session', { kind: 'session', value: 's1' }, { sid: 's1' }, { sid: 's2' }],
    ['token', { kind: 'tokenId', value: 't1' }, { jti: 't1' }, { jti: 't2' }],
  ] as const) {
    it(`of a ${what} ends its streams as revoked, for good, and no other`, async () => {
      await using server = await startGateway();
      using losing = await openStream(server.port, '/events', bearer(server.token(claims)));
      using staying = await openStream(server.port, '/events', bearer(server.token(others)));
      revoke(server, target);
      assert.equal((await losing.next('end')).data, '{"reason":"revoked","reconnect":false}');
      assert.equal((await losing.ended).clean, true);
      await server.publish('still here');
      await staying.next('message');
      assert.deepEqual(
        staying.messages.map(({ data }) => data),
        ['still here'],
      );
    });
  }

  it('ends every one of many streams, also of those revoked while the others are looked at', async () => {
    await using server = await startGateway({ gateway: `${STREAMS}, limits: { perSubject: 1000 }` });
    const streams = await Promise.all(
      Array.from({ length: 600 }, (_, i) =>
        openStream(server.port, '/events', bearer(server.token({ sub: `s${i % 3}` }))),
      ),
    );
    revoke(server, { kind: 'subject', value: 's0' });
    await new Promise(setImmediate);
    revoke(server, { kind: 'subject', value: 's1' });
    await Promise.all(streams.filter((_, i) => i % 3 < 2).map(({ ended }) => ended));
    await until(() => server.gateway.hub.status().connections === 200);
    await server.publish('still here');
    await Promise.all(streams.filter((_, i) => i % 3 === 2).map((stream) => stream.next('message')));
    for (const stream of streams) stream[Symbol.dispose]();
  });

  it('refuses a token at connect, known or not, and as an answer', async () => {
    await using server = await startGateway({ guard: 'challenge: { leadTime: 60s, answer: Subject }' });
    const known = server.token();
    using stream = await openStream(server.port, '/events', bearer(known));
    revoke(server, { kind: 'subject', value: 'alice' });
    await stream.ended;
    for (const token of [known, server.token({}, 60)]) {
      const get = await request(`${server.origin}/events`, { headers: bearer(token) });
      assert.deepEqual([get.status, get.code], [401, 'revoked']);
      assert.match(get.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
      const post = await request(`${server.origin}/events`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/x-challenge-response' },
      });
      assert.deepEqual([post.status, post.code], [401, 'revoked']);
    }
  });
});

const STREAMS = 'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: ["events:read"] }]';
