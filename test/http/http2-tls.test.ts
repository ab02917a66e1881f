import assert from 'node:assert/strict';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { describe, it } from 'node:test';
import Koa from 'koa';
import { systemClock } from '../../src/core/clock.ts';
import { createLocalCertificate } from '../../src/dev/certificate.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { takeOver } from '../../src/http/take-over.ts';
import { createTlsListener } from '../../src/http/tls-listener.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { until } from '../support/until.ts';

const EVENT = Buffer.from(`data:${'x'.repeat(4_000)}\n\n`);
/** More than the client's window and what it takes before it stops. */
const WRITES = 100;

function open(session: ClientHttp2Session, path: string): { stream: ClientHttp2Stream; bytes(): number } {
  const stream = session.request({ ':path': path });
  let bytes = 0;
  stream.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  return { stream, bytes: () => bytes };
}

describe('over TLS, a stream of HTTP/2 that is not read', () => {
  it('is blocked by its own window; its neighbour is ready again after each write', async () => {
    const certificate = await createLocalCertificate(Date.now());
    const transports = new Map<string, Transport>();
    const app = new Koa();
    app.use((ctx) => void transports.set(ctx.path, takeOver(ctx).transport));
    const listener = createTlsListener(createProtocols(app, systemClock), certificate, 10);
    const port = await listener.start({ host: '127.0.0.1', port: 0 });
    const session = connect(`https://127.0.0.1:${port}`, {
      ca: certificate.cert,
      servername: 'localhost',
      settings: { initialWindowSize: 16_384 },
    });
    try {
      const slow = open(session, '/slow');
      const fast = open(session, '/fast');
      await until(() => transports.size === 2);
      slow.stream.pause();
      const [toSlow, toFast] = [transports.get('/slow'), transports.get('/fast')];
      assert.ok(toSlow !== undefined && toFast !== undefined);
      let given = 0;
      for (let nth = 1; nth <= WRITES; nth++) {
        if (toSlow.ready()) {
          toSlow.write(EVENT);
          given++;
        }
        toFast.write(EVENT);
        await until(() => fast.bytes() === nth * EVENT.length && toFast.ready());
      }
      assert.ok(!toSlow.ready());
      assert.ok(given < WRITES / 2, `${given} writes`);
      slow.stream.resume();
      await until(() => toSlow.ready());
      toSlow.end(EVENT);
      await until(() => slow.bytes() === (given + 1) * EVENT.length);
    } finally {
      session.destroy();
      listener.close();
      listener.destroy();
    }
  });
});
