import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { GuardedEventSourceInit } from '../../client/guarded-event-source.js';
import { severableWayTo } from '../e2e/severable.ts';
import { eventually } from '../support/eventually.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../support/gateway.ts';
import type { Entry } from './recorded-source.ts';

/** What it runs on: this process, or a page of another origin. */
export interface Platform {
  open(test: TestContext, url: string, wishes: Wishes): Promise<Opened>;
}

export interface Wishes extends Omit<GuardedEventSourceInit, 'fetch' | 'getToken'> {
  readonly getToken?: (fresh: boolean) => Promise<string>;
}

export interface Opened {
  entries(): Promise<readonly Entry[]>;
}

const EVENTS =
  'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: ["events:read"] }], retry: 100ms';
/** Asked for at half of its life. */
const TOKEN_S = 8;
const LEAD_TIME = 'leadTime: 4s';
const EVENTS_PER_PART = 100;
const CUTS = 3;

/** What an application may rely on, with the gateway as it is. */
export function clientContract(platform: Platform): void {
  describe('reads a stream', () => {
    it('by a token in a header', async (test) => {
      await using gateway = await startGateway();
      const opened = await platform.open(test, `${gateway.origin}/events`, holding(gateway));
      await told(opened, 'open');
      await gateway.publish('é€\u{1f30a}\r\n second\n', { type: 'price' });
      const id = await gateway.publish('plain');
      await told(opened, 'message');
      const entries = await opened.entries();
      assert.deepEqual(
        entries.map(({ type, data }) => [type, data]),
        [
          ['open', undefined],
          ['price', 'é€\u{1f30a}\n second\n'],
          ['message', 'plain'],
        ],
      );
      assert.equal(entries[2]?.id, id);
    });

    it('and learns why it is refused', async (test) => {
      await using gateway = await startGateway();
      for (const [path, claims, code, status] of [
        ['/events', { scope: 'other' }, 'insufficient_scope', 403],
        ['/events?topic=secret', {}, 'topic_forbidden', 403],
        ['/nothing', {}, 'not_found', 404],
      ] as const) {
        const getToken = () => Promise.resolve(gateway.token(claims));
        const opened = await platform.open(test, `${gateway.origin}${path}`, { getToken });
        await told(opened, 'error');
        assert.deepEqual(await opened.entries(), [{ type: 'error', state: 2, code, status }]);
      }
    });

    it('once its provider of tokens has one that is good', async (test) => {
      await using gateway = await startGateway();
      const asked: boolean[] = [];
      const getToken = async (fresh: boolean) => {
        asked.push(fresh);
        if (asked.length === 1) throw new Error('away');
        return gateway.token({}, asked.length === 2 ? -10 : 60);
      };
      const opened = await platform.open(test, `${gateway.origin}/events`, { getToken, retryMs: 50 });
      await told(opened, 'open');
      const codes = (await opened.entries()).map(({ type, code }) => code ?? type);
      assert.deepEqual(codes, ['no_token', 'expired', 'open']);
      assert.deepEqual(asked, [false, false, true]);
    });
  });

  it('reads what comes a byte at a time, drops what is cut, and asks for it again', async (test) => {
    const parts = [
      '\ufeffretry:20\r\nid:1\r\ndata:é€\u{1f30a}\r\ndata: x\r\n\r\n:\r\rid:2\ndata:half of \u{1f30a}',
      'id:2\rdata:all of \u{1f30a}\r\r',
    ];
    const resumed: unknown[] = [];
    const first = Promise.withResolvers<void>();
    const server = createServer(async (request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-allow-headers', 'last-event-id');
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return;
      }
      resumed.push(request.headers['last-event-id']);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.socket?.setNoDelay(true);
      const bytes = Buffer.from(parts[resumed.length - 1] ?? '');
      // Cut inside its last character.
      const end = resumed.length === 1 ? bytes.length - 2 : bytes.length;
      for (const byte of bytes.subarray(0, end)) {
        // Each is a chunk of its own; on its way some of them may meet again.
        response.write(Buffer.of(byte));
        await setImmediate();
      }
      if (resumed.length > 1) return;
      // A reset takes what has come and was not read yet.
      await first.promise;
      response.socket?.resetAndDestroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const opened = await platform.open(test, `http://127.0.0.1:${port}/`, {});
    await told(opened, 'message');
    first.resolve();
    await told(opened, 'message', 2);
    const entries = await opened.entries();
    assert.deepEqual(
      entries.map(({ type, data, id }) => [type, data, id]),
      [
        ['open', undefined, undefined],
        ['message', 'é€\u{1f30a}\nx', '1'],
        ['error', undefined, undefined],
        ['open', undefined, undefined],
        ['message', 'all of \u{1f30a}', '2'],
      ],
    );
    assert.deepEqual(resumed, [undefined, '1']);
  });

  for (const answer of ['Stream', 'Subject']) {
    it(`outlives its tokens on one stream, answer: ${answer}`, async (test) => {
      await using gateway = await startGateway({ guard: `challenge: { ${LEAD_TIME}, answer: ${answer} }` });
      const opened = await platform.open(test, `${gateway.origin}/events`, holding(gateway, TOKEN_S));
      await told(opened, 'answer', 3);
      await gateway.publish('still here');
      await told(opened, 'message');
      const entries = await opened.entries();
      const kept = entries.filter(({ type }) => type !== 'challenge');
      assert.deepEqual(
        kept.map(({ type, status }) => [type, status]),
        [
          ['open', undefined],
          ['answer', 204],
          ['answer', 204],
          ['answer', 204],
          ['message', undefined],
        ],
      );
    });
  }

  it('hears that an answer is refused, and keeps its stream until it ends', async (test) => {
    await using gateway = await startGateway({ guard: `challenge: { ${LEAD_TIME} }` });
    const getToken = async (fresh: boolean) => gateway.token(fresh ? { sub: 'mallory' } : {}, TOKEN_S);
    const opened = await platform.open(test, `${gateway.origin}/events`, { getToken, retryMs: 60_000 });
    await told(opened, 'answer');
    await gateway.publish('still here');
    await told(opened, 'end');
    await told(opened, 'error');
    const entries = await opened.entries();
    assert.deepEqual(
      entries.map(({ type, code }) => [type, code]),
      [
        ['open', undefined],
        ['challenge', undefined],
        ['answer', 'other_subject'],
        ['message', undefined],
        ['end', undefined],
        ['error', 'token_expired'],
      ],
    );
  });

  it('goes on with a fresh token when its own no longer passes, from where it was', async (test) => {
    await using gateway = await startGateway({ gateway: EVENTS });
    let scope = 'events:read';
    const getToken = async () => gateway.token({ scope });
    const opened = await platform.open(test, `${gateway.origin}/events`, { getToken });
    await told(opened, 'open');
    await gateway.publish('before');
    await told(opened, 'message');
    scope = 'events:read more';
    gateway.apply({ gateway: EVENTS.replace('"events:read"', '"events:read", "more"') });
    await told(opened, 'end');
    await gateway.publish('meanwhile');
    await told(opened, 'message', 2);
    const entries = await opened.entries();
    assert.deepEqual(
      entries.map(({ type, code, data }) => code ?? (type === 'message' ? data : type)),
      ['open', 'before', 'end', 'guard_changed', 'open', 'meanwhile'],
    );
  });

  it('gets every event once and in order, however often the network fails', async (test) => {
    await using gateway = await startGateway({ gateway: EVENTS });
    await using way = await severableWayTo(gateway.port);
    const opened = await platform.open(test, `http://127.0.0.1:${way.port}/events`, holding(gateway));
    await told(opened, 'open');
    const sent: string[] = [];
    for (let part = 0; part <= CUTS; part += 1) {
      for (let index = 0; index < EVENTS_PER_PART; index += 1) {
        sent.push(String(sent.length));
        await gateway.publish(sent.at(-1) ?? '');
        // In the middle of what is sent: some of it is on its way and some is not.
        if (part < CUTS && index === EVENTS_PER_PART / 2) way.cut();
      }
      await told(opened, 'message', sent.length);
    }
    const entries = await opened.entries();
    assert.deepEqual(
      entries.filter(({ type }) => type === 'message').map(({ data }) => data),
      sent,
    );
    assert.deepEqual(
      entries.filter(({ type }) => type === 'gap'),
      [],
    );
    assert.ok(entries.filter(({ type }) => type === 'error').length >= CUTS);
  });

  it('goes over to the next gateway when its own is stopped', async (test) => {
    const options: GatewayOptions = { gateway: `${EVENTS}, drain: { lameDuck: 0s, window: 1s }` };
    let gateway = await startGateway(options);
    await using way = await severableWayTo(gateway.port);
    const getToken = async () => gateway.token();
    const opened = await platform.open(test, `http://127.0.0.1:${way.port}/events`, { getToken });
    await told(opened, 'open');
    await gateway.publish('first');
    await told(opened, 'message');
    const old = gateway;
    await using next = await startGateway(options);
    gateway = next;
    way.turnTo(next.port);
    await old[Symbol.asyncDispose]();
    await told(opened, 'open', 2);
    // Its log is another one, which is told.
    await told(opened, 'gap');
    await next.publish('second');
    await told(opened, 'message', 2);
    const data = (await opened.entries()).filter(({ type }) => type === 'message').map((entry) => entry.data);
    assert.deepEqual(data, ['first', 'second']);
  });
}

/** Whoever always has a good token. */
function holding(gateway: RunningGateway, seconds?: number): Wishes {
  return { getToken: () => Promise.resolve(gateway.token({}, seconds)) };
}

async function told(opened: Opened, type: string, count = 1): Promise<void> {
  await eventually(async () => {
    const entries = await opened.entries();
    const seen = entries.filter((entry) => entry.type === type).length;
    assert.ok(seen >= count, `${seen} of ${count} × ${type}; it told ${JSON.stringify(entries.slice(-20))}`);
  });
}
