import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { frame, type WireFormat } from '../../src/stream/frame.ts';
import { SocketTransport } from '../../src/stream/socket-transport.ts';
import { until } from '../support/until.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** Two ends of one loopback connection; the client reads nothing until told to. */
async function pair(
  format: WireFormat,
): Promise<{ transport: SocketTransport; socket: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const accepted = once(server, 'connection');
  const client = connect(address.port, '127.0.0.1').pause();
  const [socket]: Socket[] = await accepted;
  assert.ok(socket !== undefined);
  socket.on('error', () => undefined); // what the test is about is seen at the client
  ended.push(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { transport: new SocketTransport(socket, format, false), socket, client };
}

async function read(client: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Writes until the kernel takes no more. @returns how many writes that were */
function fill(transport: SocketTransport): number {
  const bytes = frame('x'.repeat(100_000)).chunk;
  let writes = 0;
  for (; transport.ready() && writes < 1000; writes++) transport.write(bytes);
  return writes;
}

describe('SocketTransport', () => {
  const ENDS: readonly [WireFormat, string][] = [
    ['chunked', 'data:a\n\ndata:b\n\n0\r\n\r\n'],
    ['raw', 'data:a\n\ndata:b\n\n'],
  ];
  for (const [format, received] of ENDS) {
    it(`writes as it is told and ends a ${format} body cleanly`, async () => {
      const { transport, client } = await pair(format);
      transport.write(Buffer.from('data:a\n\n'));
      transport.end(Buffer.from('data:b\n\n'));
      assert.equal(await read(client), received);
    });
  }

  it('is ready at once after a write that the kernel took', async () => {
    const { transport } = await pair('chunked');
    transport.write(frame('data:a\n\n').chunk);
    assert.ok(transport.ready());
  });

  it('is not ready while the peer does not read, and is again when it does', async () => {
    const { transport, client } = await pair('chunked');
    assert.ok(fill(transport) < 1000);
    assert.ok(!transport.ready());
    client.resume();
    await until(() => transport.ready());
  });

  it('resets when it aborts, whatever is queued', async () => {
    const { transport, client } = await pair('chunked');
    fill(transport);
    transport.abort();
    await assert.rejects(read(client), { code: 'ECONNRESET' });
  });

  it('takes writes and ends after the peer has gone without a fault', async () => {
    const { transport, socket, client } = await pair('chunked');
    client.resetAndDestroy();
    await until(() => socket.destroyed);
    transport.write(frame('data:a\n\n').chunk);
    transport.end(Buffer.alloc(0));
    transport.abort();
  });

  it('ends twice without a fault', async () => {
    const { transport, client } = await pair('chunked');
    transport.end(Buffer.alloc(0));
    transport.end(Buffer.alloc(0));
    assert.equal(await read(client), '0\r\n\r\n');
  });
});
