import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Koa from 'koa';
import { systemClock } from '../../src/core/clock.ts';
import { createClearListener } from '../../src/http/clear-listener.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { takeOver } from '../../src/http/take-over.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { FLAG, FRAME, Http2Frames } from '../support/http2-frames.ts';
import { until } from '../support/until.ts';

/** Streams at /stream, anything else is answered. */
async function serve() {
  const transports: Transport[] = [];
  const app = new Koa();
  app.use((ctx) => {
    if (ctx.path === '/stream') transports.push(takeOver(ctx).transport);
    else ctx.body = 'answered';
  });
  const protocols = createProtocols(app, systemClock);
  const listener = createClearListener(protocols, systemClock, 10);
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  return {
    port,
    protocols,
    transports,
    [Symbol.dispose]() {
      listener.close();
      listener.destroy();
    },
  };
}

describe('when a pod leaves, a connection of HTTP/2', () => {
  it('is told to take no more requests, and its stream goes on to its end', async () => {
    using server = await serve();
    using client = await Http2Frames.connect(server.port);
    client.get(1, { ':path': '/stream' });
    await until(() => client.count(FRAME.HEADERS, 1) === 1);
    server.protocols.leave();
    await until(() => client.count(FRAME.GOAWAY) === 1);
    assert.equal(client.frames.find(({ type }) => type === FRAME.GOAWAY)?.payload.readUInt32BE(), 1);
    const [transport] = server.transports;
    transport?.write(Buffer.from('data:a\n\n'));
    await until(() => client.body(1) === 'data:a\n\n');
    transport?.end(Buffer.from('data:b\n\n'));
    await client.ended();
    assert.equal(client.body(1), 'data:a\n\ndata:b\n\n');
    const last = client.frames.findLast(({ type, stream }) => type === FRAME.DATA && stream === 1);
    assert.equal((last?.flags ?? 0) & FLAG.END_STREAM, FLAG.END_STREAM, 'END_STREAM, not a reset');
  });

  it('is answered its first request when it comes only then, and told afterwards', async () => {
    using server = await serve();
    using early = await Http2Frames.connect(server.port);
    await until(() => early.count(FRAME.SETTINGS) > 0);
    server.protocols.leave();
    using late = await Http2Frames.connect(server.port);
    for (const client of [early, late]) {
      client.get(1, { ':path': '/' });
      await client.ended();
      assert.equal(client.body(1), 'answered');
      assert.ok(client.count(FRAME.GOAWAY) > 0);
    }
  });

  it('that has asked for nothing ends with the listeners', async () => {
    using server = await serve();
    using client = await Http2Frames.connect(server.port);
    await until(() => client.count(FRAME.SETTINGS) > 0);
    server.protocols.close();
    await client.ended();
  });
});
