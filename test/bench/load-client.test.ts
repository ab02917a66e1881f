import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { LoadClient, type LoadOptions } from '../../bench/load-client.ts';
import { buildNative, type Native } from '../../bench/native.ts';
import { DATA, http2Request, httpRequest } from '../../bench/wire.ts';
import { onPath } from '../support/on-path.ts';
import { block, TinyServer } from './tiny-server.ts';

const skip = onPath('cc') ? false : 'cc is missing: install the Debian packages gcc and libc6-dev';
const requests = [httpRequest('/events')];
const EVENTS_MAX = 100;
const publications = [{ bytes: Buffer.from(`${DATA}\n`) }];

describe('load client', { skip }, () => {
  let native: Native;
  before(async () => {
    native = await buildNative();
  });
  after(async () => native?.[Symbol.asyncDispose]());

  const start = (
    { port, publishPort }: TinyServer,
    options: Partial<LoadOptions> = {},
  ): Promise<LoadClient> =>
    LoadClient.start(native, { port, publishPort, requests, publications, ...options });

  it('publishes one event at a time and counts each of them once a stream', async () => {
    await using server = await TinyServer.start();
    await using client = await start(server);
    await client.open(7);
    const load = await client.each(5);
    assert.deepEqual([load.published, load.deliveries], [5, 35]);
    assert.equal(load.latencyMs.count, 35);
    assert.ok(load.latencyMs.p50 <= load.latencyMs.p99 && load.latencyMs.p99 <= load.latencyMs.max);
    assert.ok(load.seconds > 0 && load.seconds < 60);
  });

  it('counts an event that comes byte by byte, for which it has no latency', async () => {
    await using server = await TinyServer.start({
      send(stream, data) {
        for (const byte of `data:${data}\n\n`) stream.write(byte);
      },
    });
    await using client = await start(server);
    await client.open(3);
    const load = await client.each(2);
    assert.equal(load.deliveries, 6);
    assert.ok(load.latencyMs.count <= 6);
  });

  it('publishes at a rate, and waits for all that is owed', async () => {
    await using server = await TinyServer.start();
    await using client = await start(server);
    await client.open(3);
    const load = await client.paced(100, 0.2);
    assert.deepEqual([load.published, load.deliveries], [20, 60]);
  });

  it('waits for as many as an event is for, and spreads streams over ports', async () => {
    await using one = await TinyServer.start();
    await using other = await TinyServer.start();
    const half = publications.map((each) => ({ ...each, receivers: 4 }));
    await using client = await start(one, { port: [one.port, other.port], publications: half });
    await client.open(8);
    assert.equal((await client.each(3)).deliveries, 12);
  });

  it('says of each stream when it was opened, challenged and ended, and whether cleanly', async () => {
    await using server = await TinyServer.start();
    await using client = await start(server, { ends: true });
    await client.open(2);
    server.end('event:challenge\ndata:x\n\nevent:end\ndata:x\n\n0\r\n\r\n');
    await client.ends();
    const records = await client.records();
    assert.equal(records.length, 2);
    for (const { challengedUs, clean, endedUs, markers, openedUs } of records) {
      assert.ok(openedUs > 0 && openedUs <= challengedUs && challengedUs <= endedUs);
      assert.deepEqual([clean, markers], [true, 0]);
    }
  });

  it('opens streams until each has what it is owed', async () => {
    await using server = await TinyServer.start({
      head: `HTTP/1.1 200 OK\r\n\r\ndata:${DATA.replaceAll('@', '1')}\n\n`,
    });
    await using client = await start(server);
    await client.open(4, 1);
    assert.deepEqual(
      (await client.records()).map(({ markers }) => markers),
      [1, 1, 1, 1],
    );
  });

  it('counts answers to lines', async () => {
    await using server = await TinyServer.start({ answer: '{"ref":"1"}\n' });
    await using client = await start(server);
    assert.equal((await client.lines(5_000)).published, 5_000);
  });

  it('counts events in DATA frames of many streams a connection', async () => {
    const streams = new Set<ServerHttp2Stream>();
    const sessions = new Set<ServerHttp2Session>();
    const server = createServer().on('session', (session) => sessions.add(session));
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'x-marker': '~' });
      streams.add(stream);
    });
    // 126 bytes of payload: the length itself is the marker's byte.
    const event = `data:${'x'.repeat(102)}${'1'.repeat(16)}~\n\n`;
    assert.equal(event.length, 126);
    await using producer = await TinyServer.start({
      published() {
        for (const stream of streams) stream.write(event);
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    try {
      await using client = await start(producer, {
        port: address.port,
        requests: [http2Request('/events')],
        http2: 3,
      });
      await client.open(7);
      assert.equal((await client.each(2)).deliveries, 14);
    } finally {
      for (const session of sessions) session.destroy();
      server.close();
    }
  });

  const twice = (stream: Socket, data: string): void => {
    block(stream, data);
    block(stream, data);
  };
  const REFUSED = [
    {
      name: 'a refusal',
      head: 'HTTP/1.1 401 Unauthorized\r\n\r\n',
      says: /a stream was refused: HTTP\/1\.1 401/,
    },
    { name: 'an event more than is owed', send: twice, says: /events more than are owed/ },
    {
      name: 'a stream that is closed',
      send: (stream: Socket) => void stream.end(),
      says: /a stream was closed/,
    },
    {
      name: 'an event without a stamp',
      send: (stream: Socket) => void stream.write('data: some other text ~\n\n'),
      says: /an event has no stamp/,
    },
    {
      name: 'a line that is refused',
      answer: '{"error":{}}\n',
      send: () => {},
      says: /publishing was refused/,
    },
  ];
  for (const { name, says, ...options } of REFUSED) {
    it(`ends with a sentence at ${name}`, async () => {
      await using server = await TinyServer.start(options);
      await using client = await start(server);
      const load = async (): Promise<void> => {
        await client.open(1);
        // What came after the first was counted may be taken for the second, but not for ever.
        for (let events = 0; events < EVENTS_MAX; events++) await client.each(1);
      };
      await assert.rejects(load(), says);
      await assert.rejects(client.each(1), says);
    });
  }
});
