import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Opens a stream on a bare socket. @returns it, and what has come so far */
async function open(server: RunningGateway, sub = 'alice', version = '1.1') {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(
    `GET /events HTTP/${version}\r\nhost: localhost\r\nauthorization: Bearer ${server.token({ sub })}\r\n\r\n`,
  );
  await until(() => text.includes('\n\n'));
  return { socket, text: () => text };
}

describe('a stream over HTTP/1.1', () => {
  it('has the head that the contract says, and its first block behind it', async () => {
    await using server = await startGateway();
    const { socket, text } = await open(server);
    const [head = '', body = ''] = text().split('\r\n\r\n', 2);
    const [status, ...fields] = head.split('\r\n');
    assert.equal(status, 'HTTP/1.1 200 OK');
    const headers = Object.fromEntries(
      fields.map((field) => [
        field.slice(0, field.indexOf(':')).toLowerCase(),
        field.slice(field.indexOf(':') + 2),
      ]),
    );
    assert.ok(Math.abs(Date.parse(headers['date'] ?? '') - Date.now()) < 60_000);
    delete headers['date'];
    assert.deepEqual(headers, {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'www-authenticate, retry-after',
      'cache-control': 'no-store, no-transform',
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      connection: 'close',
      'transfer-encoding': 'chunked',
    });
    assert.match(body, /^[0-9a-f]+\r\nretry:\d+\nid:/);
    socket.destroy();
  });

  it('is not chunked for a client of HTTP/1.0', async () => {
    await using server = await startGateway();
    const { socket, text } = await open(server, 'alice', '1.0');
    assert.doesNotMatch(text(), /transfer-encoding/i);
    assert.match(text(), /\r\n\r\nretry:\d+\n/);
    socket.destroy();
  });

  it('is cut off when its client sends something more, but for empty lines', async () => {
    await using server = await startGateway();
    const { socket, text } = await open(server);
    socket.write('\r\n\r\n');
    await server.publish('first');
    await until(() => text().includes('data:first'));
    const closed = once(socket, 'close');
    socket.write('GET /events HTTP/1.1\r\n\r\n');
    await closed;
    await until(() => server.gateway.hub.status().connections === 0);
  });

  it('is over when its client has closed', async () => {
    await using server = await startGateway();
    const { socket } = await open(server);
    assert.equal(server.gateway.hub.status().connections, 1);
    socket.end();
    await until(() => server.gateway.hub.status().connections === 0);
  });

  it('keeps nothing of its request: a few kilobytes of heap are all that is left', async () => {
    await using server = await startGateway();
    const STREAMS = 200;
    const BYTES_MAX = 11_000; // of both ends: 6,900 as it is, 15,000 with request and response
    const first = await Promise.all(Array.from({ length: 50 }, (_, i) => open(server, `early-${i}`)));
    const before = await heapUsed();
    const sockets: Socket[] = [];
    const grown = await heapOf(async () => {
      for (let i = 0; i < STREAMS; i++) sockets.push((await open(server, `user-${i}`)).socket);
    }, before);
    for (const socket of [...sockets, ...first.map((each) => each.socket)]) socket.destroy();
    assert.ok(grown / STREAMS < BYTES_MAX, `${grown / STREAMS} bytes for both ends of a stream`);
  });
});

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

async function heapOf(work: () => Promise<void>, before: number): Promise<number> {
  await work();
  return (await heapUsed()) - before;
}
