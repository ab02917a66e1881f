import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, constants, createServer, type ServerHttp2Stream } from 'node:http2';
import { afterEach, describe, it } from 'node:test';
import { bytesOf, frame } from '../../src/stream/frame.ts';
import { Http2Transport } from '../../src/stream/http2-transport.ts';
import { until } from '../support/until.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

interface Pair {
  readonly transport: Http2Transport;
  readonly stream: ServerHttp2Stream;
  readonly client: ClientHttp2Stream;
}

/** So many streams of one connection, none of which the client reads until told to. */
async function pairs(count: number): Promise<readonly Pair[]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const session = connect(`http://127.0.0.1:${address.port}`);
  ended.push(() => {
    session.destroy();
    server.close();
  });
  const made: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const opened = once(server, 'stream');
    const client = session.request({ ':path': '/' }).pause();
    const [stream]: ServerHttp2Stream[] = await opened;
    assert.ok(stream !== undefined);
    stream.respond({ ':status': 200 });
    made.push({ transport: new Http2Transport(stream), stream, client });
  }
  return made;
}

async function one(): Promise<Pair> {
  const [pair] = await pairs(1);
  assert.ok(pair !== undefined);
  return pair;
}

async function read(client: ClientHttp2Stream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const EVENT = bytesOf(frame('data:a\n\n'), 'raw');

describe('Http2Transport', () => {
  it('writes payloads and ends with END_STREAM', async () => {
    const { transport, client } = await one();
    assert.equal(transport.format, 'raw');
    transport.write(EVENT);
    transport.end(EVENT);
    assert.equal(await read(client), 'data:a\n\ndata:a\n\n');
    assert.equal(client.rstCode, constants.NGHTTP2_NO_ERROR);
  });

  it('is not ready while the peer does not read, and is again when it does; its neighbour notices nothing', async () => {
    const [slow, fast] = await pairs(2);
    assert.ok(slow !== undefined && fast !== undefined);
    for (let i = 0; i < 20; i++) slow.transport.write(Buffer.alloc(16_384));
    await once(fast.client, 'response');
    assert.ok(!slow.transport.ready());
    fast.transport.end(EVENT);
    assert.equal(await read(fast.client), 'data:a\n\n');
    assert.ok(!slow.transport.ready());
    slow.client.resume();
    await until(() => slow.transport.ready());
  });

  it('is ready while no more than one frame is under way', async () => {
    const { transport } = await one();
    transport.write(EVENT);
    assert.ok(transport.ready());
  });

  it('resets the stream when it aborts, whatever is queued', async () => {
    const { transport, client } = await one();
    for (let i = 0; i < 20; i++) transport.write(Buffer.alloc(16_384));
    transport.abort();
    client.resume();
    await until(() => client.closed);
    assert.equal(client.rstCode, constants.NGHTTP2_CANCEL);
  });

  it('takes writes and ends after the peer has gone without a fault', async () => {
    const { transport, stream, client } = await one();
    client.on('error', () => undefined);
    client.close(constants.NGHTTP2_CANCEL);
    await until(() => stream.destroyed);
    transport.write(EVENT);
    transport.end(EVENT);
    transport.abort();
  });
});
