import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type ServerHttp2Stream,
} from 'node:http2';
import { afterEach, describe, it } from 'node:test';
import type { Connection } from '../../src/stream/connection.ts';
import { Http2Transport } from '../../src/stream/http2-transport.ts';
import { type CountedDuplex, countedPair } from '../support/counted-duplex.ts';
import { authorise, expiring, HubRig, type Stream, topics, written } from '../support/hub-rig.ts';
import { until } from '../support/until.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** A stream as its client and the hub have it, over Node's own HTTP/2. */
interface Open {
  readonly connection: Connection;
  readonly stream: ServerHttp2Stream;
  readonly client: ClientHttp2Stream;
  text(): string;
}

interface Session {
  readonly socket: CountedDuplex;
  readonly client: ClientHttp2Session;
}

class Http2Rig extends HubRig {
  readonly #server = createServer({ settings: { maxConcurrentStreams: 1000 } });

  async session(initialWindowSize = 65_535): Promise<Session> {
    const [socket, far] = countedPair();
    this.#server.emit('connection', socket);
    const client = connect('http://localhost', {
      createConnection: () => far,
      settings: { initialWindowSize },
    });
    ended.push(() => client.destroy());
    await once(client, 'remoteSettings');
    return { socket, client };
  }

  /** Blocked streams are looked at by the clock. */
  async until(condition: () => boolean): Promise<void> {
    await until(() => {
      this.clock.advance(10);
      return condition();
    }, condition.toString());
  }

  async openOver({ client }: Session, authorisation = authorise({ holder: undefined })): Promise<Open> {
    const arrived = once(this.#server, 'stream');
    const request = client.request({ ':path': '/' });
    const [stream]: ServerHttp2Stream[] = await arrived;
    assert.ok(stream !== undefined);
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const transport = new Http2Transport(stream);
    const connection = this.hub.open({
      path: '/events',
      transport,
      topics: topics('events'),
      authorisation,
      resume: undefined,
    });
    stream.once('close', () => this.hub.gone(connection));
    return { connection, stream, client: request, text: () => text };
  }
}

/** Of blocks that have come to their end: the last may be under way still. */
const data = ({ text }: Open): readonly string[] => text().match(/(?<=^data:)\w+(?=\n\n)/gm) ?? [];
const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `n${at + 1}`);

describe('the streams of an HTTP/2 connection', () => {
  it('are given an event in one write of their socket, however they have come', async () => {
    const rig = new Http2Rig();
    const sessions = [await rig.session(), await rig.session(), await rig.session()];
    const streams: Open[] = [];
    // In turn, as a proxy with several connections opens them; more than two slices of a sweep.
    for (let i = 0; i < 200; i++) for (const session of sessions) streams.push(await rig.openOver(session));
    await until(() => streams.every(({ connection, text }) => connection.state === 'live' && text() !== ''));
    for (const nth of [1, 2]) {
      const before = sessions.map(({ socket }) => socket.writes);
      rig.publish('events', `n${nth}`);
      await until(() => streams.every((stream) => data(stream).length === nth));
      const writes = sessions.map(({ socket }, at) => socket.writes - (before[at] ?? 0));
      assert.deepEqual(writes, [1, 1, 1]);
    }
  });

  it('are brought together again when many have gone', async () => {
    const rig = new HubRig();
    const groups = Array.from({ length: 600 }, (_, i) => 1 + (i % 6));
    const streams: Stream[] = [];
    for (const group of groups) streams.push(...(await rig.crowd(1, { group, format: 'raw' })));
    for (const [at, { connection }] of streams.entries()) if (at % 3 === 0) rig.hub.gone(connection);
    rig.publish('events', 'a');
    await rig.turn();
    const lane = streams[1]?.connection.lane.connections ?? [];
    const order = lane.map(({ transport }) => transport.group);
    assert.deepEqual(order, order.toSorted(), 'neighbours in the lane');
    assert.ok(lane.every((connection, at) => connection.laneIndex === at));
    for (const { connection, transport } of streams) {
      assert.deepEqual(transport.published, connection.state === 'ended' ? [] : ['a']);
    }
  });

  it('share an event’s bytes with those of HTTP/1.1, thousands of both', async () => {
    const rig = new HubRig({ connectionsMax: 5000 });
    const streams: Stream[] = [];
    for (let i = 0; i < 10; i++) {
      streams.push(...(await rig.crowd(200, { format: 'chunked' })));
      streams.push(...(await rig.crowd(200, { format: 'raw', group: 1 + (i % 4) })));
    }
    rig.publish('events', 'a');
    await rig.turn(40);
    const buffers = streams.flatMap(written);
    assert.equal(buffers.length, 4000, 'one write a stream');
    assert.equal(new Set(buffers).size, 2, 'one Buffer a format');
    assert.equal(new Set(buffers.map(({ buffer }) => buffer)).size, 1, 'both of the same memory');
  });

  it('wait for their own windows only: one that is closed has two writes under way and no more', async () => {
    const rig = new Http2Rig();
    const session = await rig.session(1000);
    const [slow, fast] = [await rig.openOver(session), await rig.openOver(session)];
    await until(() => slow.text() !== '' && fast.text() !== '');
    slow.client.pause();
    // The client takes 64 KiB before it stops.
    const event = 'x'.repeat(5_000);
    for (let nth = 1; nth <= 40; nth++) {
      rig.publish('events', event);
      await rig.until(() => data(fast).length === nth);
    }
    // What the client has taken, the server may hear of a turn later.
    await rig.until(() => slow.connection.state === 'blocked' && fast.connection.state === 'live');
    assert.ok(
      slow.stream.writableLength <= 2 * (event.length + 50),
      `${slow.stream.writableLength} bytes are queued`,
    );
    slow.client.resume();
    await rig.until(() => data(slow).length === 40);
    assert.ok(slow.text() === fast.text(), 'everything, in order, once');
  });

  it('are all blocked by a socket that takes nothing, with one batch each, and go on where they were', async () => {
    const rig = new Http2Rig();
    const session = await rig.session();
    const streams: Open[] = [];
    for (let i = 0; i < 50; i++) streams.push(await rig.openOver(session));
    await until(() => streams.every(({ text }) => text() !== ''));
    session.socket.stall();
    for (let nth = 1; nth <= 20; nth++) {
      rig.publish('events', `n${nth}`);
      await rig.turn();
    }
    for (const { connection, stream } of streams) {
      assert.equal(connection.state, 'blocked');
      assert.ok(stream.writableLength < 200, `${stream.writableLength} bytes are queued`);
    }
    session.socket.release();
    await rig.until(() => streams.every((stream) => data(stream).length === 20));
    for (const stream of streams) assert.deepEqual(data(stream), upTo(20));
  });

  it('are told challenge, events and end in the order in which they happened', async () => {
    const rig = new Http2Rig();
    const session = await rig.session();
    const short = authorise({ holder: undefined, ...expiring(rig.clock, 10_000, 5_000) });
    const [asked, other] = [await rig.openOver(session, short), await rig.openOver(session)];
    await until(() => asked.text() !== '' && other.text() !== '');
    rig.publish('events', 'n1');
    await rig.turn();
    await rig.pass(5_200);
    rig.publish('events', 'n2');
    await until(() => data(asked).length === 2 && data(other).length === 2);
    rig.publish('events', 'n3');
    // Due before the sweep has begun: what is late is not sent any more.
    await rig.pass(5_000);
    await until(() => asked.client.closed);
    const told = asked.text().match(/(?<=^event:)\w+$|(?<=^data:)\w+$/gm);
    assert.deepEqual(told, ['n1', 'challenge', 'n2', 'end']);
    assert.match(asked.text(), /"token_expired"/);
    await until(() => data(other).length === 3);
    assert.deepEqual(data(other), upTo(3));
  });

  it('that resume have what they missed before what is new', async () => {
    const rig = new HubRig();
    const live = await rig.crowd(5, { format: 'raw', group: 1 });
    for (const name of upTo(30)) rig.publish('events', name);
    await rig.turn();
    const back = rig.open({
      format: 'raw',
      group: 1,
      resume: rig.id(10),
      authorisation: { holder: undefined },
    });
    rig.publish('events', 'n31');
    await rig.turn();
    assert.deepEqual(back.transport.published, upTo(31).slice(10));
    for (const { transport } of live) assert.deepEqual(transport.published, upTo(31));
  });
});
