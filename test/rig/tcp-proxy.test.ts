import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** A server that echoes, and what became of its connections. */
interface Echo extends Disposable {
  readonly port: number;
  readonly sockets: Socket[];
  readonly heard: () => string;
}

async function startEcho(): Promise<Echo> {
  const sockets: Socket[] = [];
  let heard = '';
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard += bytes;
      socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    heard: () => heard,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Client extends Disposable {
  readonly socket: Socket;
  readonly got: () => string;
  /** `error code`, `end` or `close`, in order. */
  readonly signs: string[];
}

async function dial({ port }: TcpProxy): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  let got = '';
  const signs: string[] = [];
  socket.on('error', (error) => signs.push('code' in error ? String(error.code) : error.message));
  for (const name of ['end', 'close']) socket.on(name, () => signs.push(name));
  socket.on('data', (bytes) => {
    got += bytes;
  });
  await once(socket, 'connect');
  return { socket, got: () => got, signs, [Symbol.dispose]: () => void socket.destroy() };
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

describe('a TCP proxy', () => {
  it('passes bytes and an orderly end on, and counts', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    const large = 'x'.repeat(2_000_000);
    client.socket.write(large);
    await eventually(() => assert.equal(client.got().length, large.length));
    assert.deepEqual(proxy.connections, { open: 1, accepted: 1 });
    client.socket.end();
    await eventually(() => assert.deepEqual(client.signs, ['end', 'close']));
    await eventually(() => assert.deepEqual(proxy.connections, { open: 0, accepted: 1 }));
  });

  it('cuts with a reset on both sides', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    await eventually(() => assert.equal(echo.sockets.length, 1));
    proxy.cut();
    await eventually(() => assert.deepEqual(client.signs, ['ECONNRESET', 'close']));
    await eventually(() => assert.equal(echo.sockets[0]?.destroyed, true));
    using next = await dial(proxy);
    next.socket.write('again');
    await eventually(() => assert.equal(next.got(), 'again'));
  });

  it('passes a reset of the target on', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    await eventually(() => assert.equal(echo.sockets.length, 1));
    echo.sockets[0]?.resetAndDestroy();
    await eventually(() => assert.deepEqual(client.signs, ['ECONNRESET', 'close']));
  });

  it('refuses new connections while old ones go on, and accepts again', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using old = await dial(proxy);
    await proxy.refuse();
    await assert.rejects(dial(proxy), { code: 'ECONNREFUSED' });
    old.socket.write('still');
    await eventually(() => assert.equal(old.got(), 'still'));
    await proxy.accept();
    using next = await dial(proxy);
    next.socket.write('back');
    await eventually(() => assert.equal(next.got(), 'back'));
  });

  it('stalls without a sign, even when the target ends, and lets go of what it held', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    await eventually(() => assert.equal(echo.sockets.length, 1));
    proxy.stall();
    client.socket.write('held');
    await quiet();
    assert.equal(echo.heard(), '');
    proxy.flow();
    await eventually(() => assert.equal(client.got(), 'held'));
    proxy.stall();
    echo.sockets[0]?.destroy();
    using late = await dial(proxy);
    late.socket.write('late');
    await quiet();
    assert.deepEqual([client.signs, late.got()], [[], '']);
    proxy.flow();
    await eventually(() => assert.equal(late.got(), 'late'));
    await eventually(() => assert.ok(client.signs.includes('close')));
  });

  it('stalls one direction alone', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    proxy.stall('toClient');
    client.socket.write('heard');
    await eventually(() => assert.equal(echo.heard(), 'heard'));
    await quiet();
    assert.equal(client.got(), '');
    proxy.flow();
    await eventually(() => assert.equal(client.got(), 'heard'));
  });

  it('delays each way, in order', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    proxy.delay(100);
    const started = performance.now();
    client.socket.write('a');
    await eventually(() => assert.equal(echo.heard(), 'a'));
    client.socket.write('b');
    proxy.delay(0);
    await eventually(() => assert.equal(client.got(), 'ab'));
    assert.ok(performance.now() - started > 190);
  });

  it('abandons: the target sees its client go, the client sees nothing', async () => {
    using echo = await startEcho();
    await using proxy = await startProxy(echo.port);
    using client = await dial(proxy);
    await eventually(() => assert.equal(echo.sockets.length, 1));
    proxy.abandon();
    await eventually(() => assert.equal(echo.sockets[0]?.destroyed, true));
    client.socket.write('into the void');
    await quiet();
    assert.deepEqual([client.signs, client.got(), echo.heard()], [[], '', '']);
    assert.equal(proxy.connections.open, 1);
  });
});
