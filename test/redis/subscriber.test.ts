import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { compareEventIds, type EventId, eventId, millisecondsOf } from '../../src/core/event-id.ts';
import { event, publishAll, Recorder } from '../bus/contract.ts';
import { eventually } from '../support/eventually.ts';
import { type BusProcess, PREFIX, startBus } from '../support/redis/bus-process.ts';
import { startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis, type RedisOptions, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';

interface Setting {
  readonly server: RedisServer;
  /** In front of the gateway's connections. */
  readonly proxy: TcpProxy;
  readonly bus: BusProcess;
  readonly heard: Recorder;
}

async function setting(
  test: TestContext,
  options: RedisOptions = { appendonly: 'always' },
): Promise<Setting> {
  const server = await startRedis(options);
  test.after(() => server[Symbol.asyncDispose]());
  const proxy = await startProxy(server.port);
  test.after(() => proxy[Symbol.asyncDispose]());
  const bus = await startBus(test, server.url, { followUrl: `redis://127.0.0.1:${proxy.port}` });
  const heard = new Recorder();
  await bus.follow(heard);
  await eventually(() => assert.ok(bus.health().connected));
  return { server, proxy, bus, heard };
}

/** The log gets an event of which the live channel says nothing, as when a subscriber has lost it. */
async function appendSilently({ server, bus }: Setting, data: string): Promise<EventId> {
  const previous = await server.cli('GET', `${PREFIX}head`);
  const record = `["events",1700000000123]\n${data}`;
  const id = await server.cli('XADD', `${PREFIX}log`, '*', 'p', previous, 'w', 'x', 'r', record);
  await server.cli('SET', `${PREFIX}head`, id);
  const [{ id: last } = { id: undefined }] = (await bus.read(eventId(0, 0), 100_000)).events.slice(-1);
  assert.equal(last, id);
  return last;
}

const datas = ({ heard }: Setting) => heard.events.map(({ data }) => data);

describe('following', { skip: noRedis }, () => {
  it('fills a hole before anything later is delivered', async (test) => {
    const all = await setting(test);
    await all.bus.publish(event('a'));
    await appendSilently(all, 'b');
    await all.bus.publish(event('c'));
    await eventually(() => assert.deepEqual(datas(all), ['a', 'b', 'c']));
    all.heard.assertChain();
    assert.ok(all.bus.seen.backfilled >= 1);
  });

  it('finds a lost last message by the probe', async (test) => {
    const all = await setting(test);
    await all.bus.publish(event('a'));
    await appendSilently(all, 'b');
    await eventually(() => assert.deepEqual(datas(all), ['a', 'b']));
    all.heard.assertChain();
  });

  it('drops what comes twice', async (test) => {
    const all = await setting(test);
    const id = await all.bus.publish(event('a'));
    await all.server.cli('PUBLISH', `${PREFIX}live`, `${id} 0-0 ["events",1]\na`);
    await all.bus.publish(event('b'));
    await eventually(() => assert.deepEqual(datas(all), ['a', 'b']));
  });

  it('is not led astray by what is not ours', async (test) => {
    const all = await setting(test);
    for (const rubbish of ['', ' ', '? ', '? a b', 'x y z', '1-0 0-0 {}\n', '1-0  []\n', '9-9 0-0 ["a"']) {
      await all.server.cli('PUBLISH', `${PREFIX}live`, rubbish);
    }
    await all.bus.publish(event('a'));
    await eventually(() => assert.deepEqual(datas(all), ['a']));
    assert.deepEqual(all.heard.losses, []);
  });

  it('goes on without a gap through connections that are cut', async (test) => {
    const all = await setting(test);
    for (let i = 0; i < 5; i++) {
      await publishAll(all.bus, 50);
      all.proxy.cut();
      await publishAll(all.bus, 50);
    }
    await eventually(() => assert.equal(all.heard.events.length, 500));
    all.heard.assertChain();
  });

  it('finds that a connection is half open within three seconds, and mends it', async (test) => {
    const all = await setting(test);
    await publishAll(all.bus, 3);
    all.proxy.stall();
    const sinceMs = performance.now();
    await publishAll(all.bus, 3);
    await eventually(() => assert.equal(all.bus.health().connected, false));
    assert.ok(performance.now() - sinceMs < 3000);
    all.proxy.flow();
    await eventually(() => assert.equal(all.heard.events.length, 6));
    await eventually(() => assert.ok(all.bus.health().connected));
    all.heard.assertChain();
  });

  it('finds that a peer has gone without a word, which only a new connection mends', async (test) => {
    const all = await setting(test);
    all.proxy.abandon();
    await publishAll(all.bus, 3);
    await eventually(() => assert.equal(all.heard.events.length, 3));
    all.heard.assertChain();
  });

  it('comes back after Redis has dropped it for its output buffer', async (test) => {
    const all = await setting(test, {
      appendonly: 'always',
      config: ['client-output-buffer-limit pubsub 1mb 256kb 1'],
    });
    all.proxy.stall('toClient');
    for (let i = 0; i < 30; i++) await all.bus.publish(event(`${i} ${'x'.repeat(200_000)}`));
    all.proxy.flow();
    await eventually(() => assert.equal(all.heard.events.length, 30));
    all.heard.assertChain();
  });

  it('goes on after Redis was away, from where it was', async (test) => {
    const all = await setting(test);
    await publishAll(all.bus, 3);
    await all.server.kill();
    await eventually(() => assert.equal(all.bus.health().connected, false));
    const waiting = all.bus.publish(event('while it was away'));
    await all.server.start();
    await waiting;
    await eventually(() => assert.equal(all.heard.events.length, 4));
    all.heard.assertChain();
  });
});

describe('a loss', { skip: noRedis }, () => {
  it('by a flush is told without any further event, and ids go on rising', async (test) => {
    const all = await setting(test, { appendonly: false });
    const ids = await publishAll(all.bus, 3);
    await eventually(() => assert.equal(all.heard.events.length, 3));
    await all.server.flush();
    await eventually(() => assert.deepEqual(all.heard.losses.slice(0, 1), ids.slice(-1)));
    const next = await all.bus.publish(event('next'));
    assert.ok(compareEventIds(next, ids.at(-1) ?? next) > 0);
    await eventually(() => assert.equal(all.heard.events.at(-1)?.data, 'next'));
  });

  it('by an older snapshot is told, to others that were not ahead too', async (test) => {
    const all = await setting(test);
    await publishAll(all.bus, 3);
    const snapshot = await all.server.snapshot();
    const ids = await publishAll(all.bus, 3);
    await eventually(() => assert.equal(all.heard.events.length, 6));
    const other = await startBus(test, all.server.url);
    const heard = new Recorder();
    await other.follow(heard);
    await eventually(() => assert.ok(other.health().connected));
    await all.server.restoreSnapshot(snapshot);
    for (const each of [all.heard, heard]) await eventually(() => assert.ok(each.losses.length > 0));
    const next = await all.bus.publish(event('next'));
    assert.ok(compareEventIds(next, ids.at(-1) ?? next) > 0);
    for (const each of [all.heard, heard]) {
      await eventually(() => assert.equal(each.events.at(-1)?.data, 'next'));
    }
  });

  it('of events that nobody but their publisher knows shows in the chain', async (test) => {
    const all = await setting(test, { appendonly: false });
    await all.bus.publish(event('a'));
    await eventually(() => assert.equal(all.heard.events.length, 1));
    all.proxy.stall();
    await all.bus.publish(event('known to its publisher alone'));
    await all.server.flush();
    await all.bus.publish(event('c'));
    all.proxy.cut();
    all.proxy.flow();
    await eventually(() => assert.equal(all.heard.events.at(-1)?.data, 'c'));
    const [first, last] = all.heard.events;
    assert.ok(all.heard.losses.length > 0 || last?.previous !== first?.id, 'somebody has to be told');
  });

  it('when a log begins whose ids are earlier: it is raised', async (test) => {
    const all = await setting(test, { appendonly: false });
    const id = await all.bus.publish(event('a'));
    await eventually(() => assert.equal(all.heard.events.length, 1));
    const future = eventId(millisecondsOf(id) + 3_600_000, 0);
    await all.server.cli('SET', `${PREFIX}head`, future);
    await eventually(() => assert.deepEqual(all.heard.losses, [future]));
  });

  it('by a failover to a replica that lacked the last events is told, and what follows arrives', async (test) => {
    const redis = await startSentinel();
    test.after(() => redis[Symbol.asyncDispose]());
    const bus = await startBus(test, redis.url);
    const heard = new Recorder();
    await bus.follow(heard);
    await publishAll(bus, 3);
    await eventually(() => assert.equal(heard.events.length, 3));
    await redis.holdReplication();
    const ids = await publishAll(bus, 3);
    await eventually(() => assert.equal(heard.events.length, 6));
    await redis.lose('kill');
    const next = await bus.publish(event('after'));
    assert.ok(compareEventIds(next, ids.at(-1) ?? next) > 0);
    await eventually(() => assert.equal(heard.events.at(-1)?.data, 'after'));
    await eventually(() => assert.ok(heard.losses.length > 0));
  });
});
