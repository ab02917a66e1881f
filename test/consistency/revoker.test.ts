import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import type { Gateway } from './client-parts.ts';
import { type Entry, History } from './history.ts';
import { Revoker } from './revoker.ts';

type Answer = (response: ServerResponse) => void;

const view = { guard: 'main', subject: 'alice', topics: ['a'] };
const token = { jti: 't1', sid: 'c', issuedAt: 1_000 };
const TARGETS = [{ subject: 'alice' }, { session: 'c' }, { tokenId: 't1' }];

describe('a revoker', () => {
  it('asks again until somebody says that it is done, and writes down each attempt', async (test) => {
    const { asked, entries, revoker } = await start(test, [status(503), reset, status(204)]);
    await until(() => entries.filter(({ kind }) => kind === 'revoked').length >= 3);
    await revoker.stop();
    const revoked = entries.flatMap((entry) => (entry.kind === 'revoked' ? [entry.status] : []));
    assert.deepEqual(revoked.slice(0, 3), [503, 0, 204]);
    const [first, ...again] = asked.slice(0, 3).map(({ body }) => body);
    const { guard, before: _before, ...target } = first ?? {};
    assert.equal(guard, 'main');
    assert.ok(
      TARGETS.some((each) => JSON.stringify(each) === JSON.stringify(target)),
      JSON.stringify(target),
    );
    assert.deepEqual(again, [first, first]);
    assert.ok(asked.every(({ authorization }) => authorization === 'Bearer credential'));
  });

  it('shows the token again at every gateway, when it has to be known there', async (test) => {
    const { entries, revoker } = await start(test, [status(204)], 2);
    await until(() => entries.filter(({ kind }) => kind === 'tried').length >= 2);
    await revoker.stop();
    const tried = entries.flatMap((entry) => (entry.kind === 'tried' ? [entry] : [])).slice(0, 2);
    assert.deepEqual(tried.map(({ gateway }) => gateway).toSorted(), ['g1', 'g2']);
    const revoked = entries.find(({ kind }) => kind === 'revoked');
    for (const { at: _at, wall: _wall, gateway: _gateway, from, ...told } of tried) {
      assert.ok(from > (revoked?.wall ?? 0) + 1_000, 'more than a second later');
      const shown = { guard: 'main', subject: 'alice', token };
      assert.deepEqual(told, { kind: 'tried', ...shown, status: 401, code: 'revoked' });
    }
  });

  it('does not wait when something has been broken', async (test) => {
    const { entries, revoker } = await start(test, []);
    while (entries.length < 100) {
      revoker.hurry();
      await new Promise(setImmediate);
    }
    await revoker.stop();
    assert.equal(entries.at(-1)?.kind, 'revoked');
  });
});

function status(code: number): Answer {
  return (response) => void response.writeHead(code).end();
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** One that revokes at a server with these answers, then 204 to everything; tokens are refused there. */
async function start(test: TestContext, answers: readonly Answer[], gateways = 1) {
  const left = [...answers];
  const asked: { readonly body: Record<string, unknown>; readonly authorization: string | undefined }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    if (request.method === 'GET') return void response.writeHead(401).end('{"status":401,"code":"revoked"}');
    asked.push({ body: JSON.parse(await text(request)), authorization: request.headers.authorization });
    (left.shift() ?? status(204))(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
  const all: readonly Gateway[] = Array.from({ length: gateways }, (_, i) => ({
    name: `g${i + 1}`,
    port: address.port,
  }));
  const history = new History();
  const entries: readonly Entry[] = history.entries;
  const revoker = new Revoker({
    history,
    random: Math.random,
    clients: [{ view, path: '/main', shown: { text: 'token', token } }],
    gateways: () => all,
    ports: () => all,
    credential: 'credential',
  });
  test.after(async () => {
    await revoker.stop();
    server.closeAllConnections();
    server.close();
  });
  revoker.start();
  return { asked, entries, revoker };
}
