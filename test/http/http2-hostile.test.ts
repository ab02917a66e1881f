import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { FLAG, FRAME, frameOf, Http2Frames, headerBlock } from '../support/http2-frames.ts';
import { openStream } from '../support/open-stream.ts';
import { until } from '../support/until.ts';

const REFUSED_STREAM = 7;
const CANCEL = 8;
const code = (value: number) => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
};
const requestOf = (server: RunningGateway, claims = {}) => ({
  ':path': '/events',
  authorization: `Bearer ${server.token(claims)}`,
});

/** A connection that is flooded ends or goes on; a stream of somebody else notices nothing either way. */
async function unharmed(server: RunningGateway, attack: () => Promise<void>): Promise<void> {
  using stream = await openStream(server.port, '/events', { authorization: `Bearer ${server.token()}` });
  await attack();
  await server.publish('unharmed');
  assert.equal((await stream.next('message')).data, 'unharmed');
  await until(() => server.gateway.hub.status().connections === 1, 'nothing is left of the others');
}

describe('over HTTP/2, a client that', () => {
  it('resets each stream as soon as it has asked (CVE-2023-44487) is cut off', async () => {
    await using server = await startGateway();
    await unharmed(server, async () => {
      using client = await Http2Frames.connect(server.port);
      const headers = requestOf(server);
      const startedMs = performance.now();
      for (let stream = 1; stream < 4_000 && !client.closed; stream += 2) {
        client.get(stream, headers);
        client.send(FRAME.RST_STREAM, 0, stream, code(CANCEL));
        if (stream % 101 === 0) await wait(1);
      }
      await client.ended();
      const seconds = Math.ceil((performance.now() - startedMs) / 1_000);
      await until(() => server.gateway.hub.status().connections === 1);
      const opened = server.observed.notes.filter((note) => note === 'opened /events').length;
      // What it may reset at once and by the second, and the stream of somebody else.
      const allowed = 256 + 64 * (seconds + 1) + 1;
      assert.ok(opened <= allowed, `${opened} streams were opened for it in ${seconds} s`);
    });
  });

  it('makes the server reset its streams (CVE-2025-8671) is cut off', async () => {
    await using server = await startGateway();
    await unharmed(server, async () => {
      using client = await Http2Frames.connect(server.port);
      for (let stream = 1; stream < 8_000 && !client.closed; stream += 2) {
        client.get(stream, requestOf(server));
        // An increment of zero is an error of that stream alone (RFC 9113, 6.9).
        client.send(FRAME.WINDOW_UPDATE, 0, stream, code(0));
        if (stream % 101 === 0) await wait(1);
      }
      await client.ended();
      await until(() => server.gateway.hub.status().connections === 1);
    });
  });

  for (const [name, type, payload] of [
    ['SETTINGS', FRAME.SETTINGS, Buffer.alloc(0)],
    ['PING', FRAME.PING, Buffer.alloc(8)],
  ] as const) {
    it(`sends ${name} and reads no answer is cut off before the answers fill memory`, async () => {
      await using server = await startGateway();
      await unharmed(server, async () => {
        using client = await Http2Frames.connect(server.port);
        client.socket.pause();
        const many = Buffer.concat(Array(2_000).fill(frameOf(type, 0, 0, payload)));
        const before = process.memoryUsage();
        let sent = 0;
        while (!client.closed && client.socket.writable && sent < 400) {
          client.socket.write(many);
          sent++;
          await wait(1);
        }
        const after = process.memoryUsage();
        client.socket.resume();
        await client.ended();
        assert.ok(sent < 400, 'the server let go');
        assert.ok(after.external - before.external < 2 ** 26, 'external memory');
      });
    });
  }

  it('never ends its headers (CONTINUATION flood) is cut off', async () => {
    await using server = await startGateway();
    await unharmed(server, async () => {
      using client = await Http2Frames.connect(server.port);
      client.get(1, requestOf(server), FLAG.END_STREAM);
      for (let i = 0; i < 10_000 && !client.closed && !client.socket.readableEnded; i++) {
        client.send(FRAME.CONTINUATION, 0, 1, headerBlock({ [`x-${i}`]: 'y'.repeat(1_000) }));
        if (i % 100 === 0) await wait(1);
      }
      await client.ended();
    });
  });

  it('sends headers that unpack to much more (HPACK bomb) is refused', async () => {
    await using server = await startGateway();
    await unharmed(server, async () => {
      using client = await Http2Frames.connect(server.port);
      // One entry of 4,000 bytes in the table (RFC 7541, 6.2.1), then one byte for each mention of it (6.1).
      const entry = Buffer.concat([Buffer.of(0x40), headerBlock({ bomb: 'x'.repeat(4_000) }).subarray(1)]);
      const mentions = Buffer.alloc(16_000 - entry.length, 0x80 | 62);
      const all = headerBlock({
        ':method': 'GET',
        ':scheme': 'http',
        ':authority': 'x',
        ...requestOf(server),
      });
      client.send(
        FRAME.HEADERS,
        FLAG.END_STREAM | FLAG.END_HEADERS,
        1,
        Buffer.concat([all, entry, mentions.subarray(0, 10_000)]),
      );
      await until(
        () => client.count(FRAME.RST_STREAM, 1) > 0 || client.count(FRAME.HEADERS, 1) > 0 || client.closed,
      );
      const answer = client.frames.find(({ type, stream }) => type === FRAME.HEADERS && stream === 1);
      assert.notEqual(answer?.payload[0], 0x88, 'anything but 200');
    });
  });

  it('asks for more streams than are allowed has those refused, not the rest', async () => {
    await using server = await startGateway({
      gateway: 'limits: { perSubject: 1000 }, streams: [{ path: /events, guardRefs: [{ name: main }] }]',
    });
    using client = await Http2Frames.connect(server.port);
    for (let i = 0; i < 300; i++) client.get(1 + 2 * i, requestOf(server));
    await until(() => client.count(FRAME.HEADERS) === 256 && client.count(FRAME.RST_STREAM) === 44);
    for (const { type, payload } of client.frames) {
      if (type === FRAME.RST_STREAM) assert.equal(payload.readUInt32BE(), REFUSED_STREAM);
    }
    assert.equal(server.gateway.hub.status().connections, 256);
  });

  it('opens no window is given nothing, and its streams end as slow; others of its connection go on', async () => {
    const limits = 'limits: { lagTime: 4s, perSubject: 1000 }';
    await using server = await startGateway({
      gateway: `${limits}, streams: [{ path: /events, guardRefs: [{ name: main }] }]`,
    });
    using client = await Http2Frames.connect(server.port, 0);
    for (let i = 0; i < 200; i++) client.get(1 + 2 * i, requestOf(server));
    await until(() => client.count(FRAME.HEADERS) === 200);
    const open = code(1_000_000);
    client.send(FRAME.WINDOW_UPDATE, 0, 0, open);
    client.send(FRAME.WINDOW_UPDATE, 0, 399, open);
    await until(() => client.body(399).includes('retry:'));
    for (let nth = 1; nth <= 5; nth++) {
      await server.publish(`n${nth}`);
      await until(() => client.body(399).includes(`data:n${nth}\n`));
    }
    assert.equal(client.count(FRAME.DATA), client.count(FRAME.DATA, 399), 'DATA for the open window only');
    await until(() => server.gateway.hub.status().connections === 1, 'the stalled ones end');
    const slow = server.observed.notes.filter((note) => note === 'closed slow_consumer').length;
    assert.equal(slow, 199);
    await server.publish('still there');
    await until(() => client.body(399).includes('data:still there\n'));
  });

  it('only pings is let go like any idle connection', async () => {
    await using server = await startGateway({ sessionIdleMs: 200 });
    using client = await Http2Frames.connect(server.port);
    const pinging = setInterval(() => client.send(FRAME.PING, 0, 0, Buffer.alloc(8)), 20);
    try {
      await client.ended();
    } finally {
      clearInterval(pinging);
    }
    assert.ok(client.count(FRAME.GOAWAY) > 0, 'told before');
  });

  it('drips headers is let go like any idle connection', { timeout: 90_000 }, async () => {
    await using server = await startGateway({ sessionIdleMs: 200 });
    using client = await Http2Frames.connect(server.port);
    const whole = frameOf(FRAME.HEADERS, FLAG.END_STREAM, 1, Buffer.alloc(10_000));
    let sent = 0;
    const dripping = setInterval(() => client.socket.write(whole.subarray(sent, ++sent)), 20);
    try {
      await client.ended();
    } finally {
      clearInterval(dripping);
    }
  });

  it('does not close when it is let go is closed all the same', { timeout: 90_000 }, async () => {
    await using server = await startGateway({ sessionIdleMs: 50 });
    using client = await Http2Frames.connect(server.port);
    const started = Date.now();
    // Half-open: the server has said that it ends, this side says nothing.
    while (!client.closed && Date.now() - started < 60_000) {
      await wait(100);
      client.socket.write(frameOf(FRAME.PING, 0, 0, Buffer.alloc(8)), () => {});
    }
    assert.ok(client.closed);
  });
});
