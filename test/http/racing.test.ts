import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type GatewayOptions, startGateway } from '../support/gateway.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';
import { openStream } from '../support/open-stream.ts';

const OTHER_KEY = createKey('k0');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A gateway whose guard asks its issuer about the next token, and an issuer that answers when it is told to. */
async function startWaiting(test: TestContext) {
  const issuer = await new JwksServer(json(jwks(OTHER_KEY))).start();
  test.after(() => issuer.stop());
  const keys = { jwks: `uri: '${issuer.uri}'` };
  const server = await startGateway(keys);
  test.after(() => server[Symbol.asyncDispose]());
  const held = Promise.withResolvers<void>();
  issuer.answer = (request, response) => {
    void held.promise.then(() => json(jwks(server.key))(request, response));
  };
  const opening = openStream(server.port, '/events', bearer(server.token()));
  await eventually(() => assert.equal(issuer.requests.length, 2));
  return {
    opening,
    apply: (options: GatewayOptions) => server.apply({ ...keys, ...options }),
    release: () => held.resolve(),
  };
}

describe('a stream whose time is up at the moment of a change', () => {
  it('has expired, and was not judged by the change', async () => {
    await using server = await startGateway();
    const exp = Math.ceil(Date.now() + 500) / 1_000;
    using stream = await openStream(server.port, '/events', bearer(server.token({ exp })));
    // Nothing else runs until the time is up, so the change comes before the deadline is looked at.
    while (Date.now() < exp * 1_000 + 20);
    server.apply({ guard: 'maxTokenLifetime: 1h' });
    assert.equal(JSON.parse((await stream.next('end')).data).reason, 'token_expired');
  });
});

describe('a stream whose token is being verified', () => {
  for (const [change, options, status] of [
    ['nothing', {}, 200],
    [
      'another scope is required',
      { gateway: 'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: [x] }]' },
      403,
    ],
    ['the path goes', { gateway: 'streams: [{ path: /other, guardRefs: [{ name: main }] }]' }, 404],
    [
      'the path changes its guard',
      { more: { second: '' }, gateway: 'streams: [{ path: /events, guardRefs: [{ name: second }] }]' },
      401,
    ],
  ] as const) {
    it(`is opened by what holds then: ${change}`, async (test) => {
      const waiting = await startWaiting(test);
      waiting.apply(options);
      waiting.release();
      using stream = await waiting.opening;
      assert.equal(stream.status, status);
    });
  }
});
