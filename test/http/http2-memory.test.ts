import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Koa from 'koa';
import { systemClock } from '../../src/core/clock.ts';
import { createClearListener } from '../../src/http/clear-listener.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { takeOver } from '../../src/http/take-over.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { FRAME, Http2Frames } from '../support/http2-frames.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const CONNECTIONS = 8;
const STREAMS_EACH = 250;
const STREAMS = CONNECTIONS * STREAMS_EACH;
/** Measured: 3 KB, of which Node's own 1.7. With all that a request brings it was 9. */
const HEAP_BYTES_MAX = 6_000;

const gateway = `limits: { perSubject: ${2 * STREAMS}, lagTime: 1m }, streams: [{ path: /events, guardRefs: [{ name: main }] }]`;

/** What is in use when nothing is left to collect. */
async function settled(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    collect();
    // Finalisers have their turn between collections.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}

async function openMany(server: RunningGateway, windowBytes?: number): Promise<readonly Http2Frames[]> {
  const headers = { ':path': '/events', authorization: `Bearer ${server.token()}` };
  const clients: Http2Frames[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const client = await Http2Frames.connect(server.port, windowBytes);
    clients.push(client);
    for (let stream = 0; stream < STREAMS_EACH; stream++) client.get(1 + 2 * stream, headers);
    await until(() => client.count(FRAME.HEADERS) === STREAMS_EACH);
  }
  return clients;
}

async function closed(server: RunningGateway, clients: readonly Http2Frames[]): Promise<void> {
  for (const client of clients) client.socket.destroy();
  await until(() => server.gateway.hub.status().connections === 0);
}

describe('an open stream over HTTP/2', () => {
  it('keeps nothing of its request', async () => {
    const kept: WeakRef<object>[] = [];
    const app = new Koa();
    app.use((ctx) => {
      const { transport } = takeOver(ctx);
      kept.push(new WeakRef(ctx), new WeakRef(ctx.req), new WeakRef(ctx.res));
      transport.write(Buffer.from(':\n\n'));
    });
    const listener = createClearListener(createProtocols(app, systemClock), systemClock, 10);
    const port = await listener.start({ host: '127.0.0.1', port: 0 });
    try {
      using client = await Http2Frames.connect(port);
      client.get(1, { ':path': '/' });
      await until(() => client.body(1) === ':\n\n');
      await until(() => {
        collect();
        return kept.every((ref) => ref.deref() === undefined);
      }, 'context, request and response are collected');
    } finally {
      listener.close();
      listener.destroy();
    }
  });

  it(`takes at most ${HEAP_BYTES_MAX} bytes of heap`, async () => {
    await using server = await startGateway({ gateway });
    // Compiled code and the tables of the first time are not the streams'.
    await closed(server, await openMany(server));
    const before = await settled();
    const clients = await openMany(server);
    await server.publish('to all');
    await until(() => clients.every((client) => client.count(FRAME.DATA) === 2 * STREAMS_EACH));
    for (const client of clients) client.frames.length = 0;
    const { heapUsed } = await settled();
    const each = (heapUsed - before.heapUsed) / STREAMS;
    assert.ok(each < HEAP_BYTES_MAX, `${Math.round(each)} bytes each`);
    await closed(server, clients);
  });

  it('that opens no window shares what it is owed with all others', async () => {
    await using server = await startGateway({ gateway });
    const clients = await openMany(server, 0);
    const before = await settled();
    for (let nth = 0; nth < 100; nth++) await server.publish('x'.repeat(10_000));
    await until(() => server.gateway.hub.status().lag >= 98);
    const { arrayBuffers, heapUsed } = await settled();
    // The ring has 1 MB; by itself a stream would have that too, or 16 KiB of it at the least.
    assert.ok(
      arrayBuffers - before.arrayBuffers < 8_000_000,
      `${arrayBuffers - before.arrayBuffers} bytes of Buffers`,
    );
    const each = (heapUsed - before.heapUsed) / STREAMS;
    assert.ok(each < HEAP_BYTES_MAX, `${Math.round(each)} bytes of heap each`);
    assert.equal(server.gateway.hub.status().connections, STREAMS);
    await closed(server, clients);
  });
});
