import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { frame, type WireFormat } from '../../src/stream/frame.ts';
import { HANDLES_ARE_KNOWN, HandleTransport } from '../../src/stream/handle-transport.ts';
import { SocketTransport } from '../../src/stream/socket-transport.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { until } from '../support/until.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

const MAKERS: Readonly<Record<string, (socket: Socket, format: WireFormat) => Transport>> = {
  SocketTransport: (socket, format) => new SocketTransport(socket, format, false),
  HandleTransport: (socket, format) => new HandleTransport(socket, format, Buffer.alloc(0)),
};

/** Two ends of one loopback connection; the client reads nothing until told to. */
async function sockets(): Promise<{ socket: Socket; client: Socket }> {
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
  return { socket, client };
}

async function read(client: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Writes until the kernel takes no more. @returns how many writes that were */
function fill(transport: Transport): number {
  const bytes = frame('x'.repeat(100_000)).chunk;
  let writes = 0;
  for (; transport.ready() && writes < 1000; writes++) transport.write(bytes);
  return writes;
}

for (const [name, make] of Object.entries(MAKERS))
  describe(name, () => {
    async function pair(
      format: WireFormat,
    ): Promise<{ transport: Transport; socket: Socket; client: Socket }> {
      const { socket, client } = await sockets();
      const transport = make(socket, format);
      transport.flush();
      return { transport, socket, client };
    }

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

    it('goes on, in order and complete, after a write that the kernel took in part', async () => {
      const { transport, client } = await pair('raw');
      const writes = fill(transport);
      client.resume();
      const read = readAll(client);
      await until(() => transport.ready());
      transport.write(Buffer.from('after'));
      transport.end(Buffer.from('end'));
      const text = await read;
      assert.ok(text.endsWith('\r\nafterend'));
      assert.equal(text.length, writes * frame('x'.repeat(100_000)).chunk.length + 'afterend'.length);
    });

    it('puts the end behind what is still under way', async () => {
      const { transport, client } = await pair('raw');
      const writes = fill(transport);
      transport.end(Buffer.from('end'));
      const text = await readAll(client.resume());
      assert.ok(text.endsWith('\r\nend'));
      assert.equal(text.length, writes * frame('x'.repeat(100_000)).chunk.length + 'end'.length);
    });

    for (const turns of [0, 10]) {
      it(`resets a peer that has not taken its end ${turns} turns of the event loop later`, async () => {
        const { transport, socket, client } = await pair('raw');
        const closed = once(socket, 'close');
        fill(transport);
        transport.end(Buffer.from('end'));
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        transport.abort();
        await Promise.all([closed, assert.rejects(read(client), { code: 'ECONNRESET' })]);
      });
    }
  });

describe('HandleTransport', () => {
  it('is what this version of Node is served by', () => assert.ok(HANDLES_ARE_KNOWN));

  it('sends the head and all that is written until it is flushed as one write', async () => {
    const { socket, client } = await sockets();
    const written = countWrites(socket);
    const transport = new HandleTransport(socket, 'raw', Buffer.from('head,'));
    transport.write(Buffer.from('opening,'));
    transport.write(Buffer.from('replay'));
    assert.equal(written(), 0);
    transport.flush();
    assert.equal(written(), 1);
    transport.write(Buffer.from(',event'));
    assert.equal(written(), 2);
    transport.end(Buffer.alloc(0));
    assert.equal(await read(client), 'head,opening,replay,event');
  });

  it('sends what is held before an end that comes first', async () => {
    const { socket, client } = await sockets();
    const transport = new HandleTransport(socket, 'chunked', Buffer.from('head,'));
    transport.end(Buffer.from('end,'));
    assert.equal(await read(client), 'head,end,0\r\n\r\n');
  });
});

/** @returns how often the kernel has been asked to take bytes of this socket */
function countWrites(socket: Socket): () => number {
  const handle: object = Reflect.get(socket, '_handle');
  const write: (...args: unknown[]) => unknown = Reflect.get(handle, 'writeBuffer');
  let writes = 0;
  Object.assign(handle, {
    writeBuffer(...args: unknown[]) {
      writes++;
      return Reflect.apply(write, handle, args);
    },
  });
  return () => writes;
}

function readAll(client: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.once('end', () => resolve(Buffer.concat(chunks).toString()));
    client.once('error', reject);
  });
}
