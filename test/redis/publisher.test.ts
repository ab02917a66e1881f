import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import type { LoggedEvent } from '../../src/core/event.ts';
import type { EventId } from '../../src/core/event-id.ts';
import { compareEventIds, ORIGIN } from '../../src/core/event-id.ts';
import { event } from '../bus/contract.ts';
import { type BusProcess, type BusProcessOptions, PREFIX, startBus } from '../support/redis/bus-process.ts';
import { noRedis, type RedisOptions, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

interface Setting {
  readonly server: RedisServer;
  readonly proxy: TcpProxy;
  readonly bus: BusProcess;
}

/** An ingest whose connections go through a proxy, on a server that keeps everything. */
async function setting(
  test: TestContext,
  options: RedisOptions = { appendonly: 'always' },
  bus: BusProcessOptions = {},
): Promise<Setting> {
  const server = await startRedis(options);
  test.after(() => server[Symbol.asyncDispose]());
  const proxy = await startProxy(server.port);
  test.after(() => proxy[Symbol.asyncDispose]());
  const url = `redis://127.0.0.1:${proxy.port}`;
  return { server, proxy, bus: await startBus(test, url, { followUrl: server.url, ...bus }) };
}

/** Publishes so many, a few every millisecond, while something happens. @returns ids in the order of the calls */
async function publishWhile(bus: BusProcess, count: number, happening: () => Promise<unknown>) {
  const ids: Promise<EventId>[] = [];
  const publishing = (async () => {
    for (let i = 0; i < count; i++) {
      ids.push(bus.publish(event(`${i}`)));
      if (i % 5 === 4) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  await happening();
  await publishing;
  return Promise.all(ids);
}

/** All that is in the log, once the gateway too has found the server again: its connection is not the ingest's. */
async function logged(bus: BusProcess): Promise<readonly LoggedEvent[]> {
  await until(() => bus.links[0].up, 'the gateway can reach Redis');
  return (await bus.read(ORIGIN, 100_000)).events;
}

/** What was acknowledged is in the log, each once, under the id that was told, in the order of the calls. */
async function assertLogged(bus: BusProcess, ids: readonly EventId[]): Promise<void> {
  const events = await logged(bus);
  assert.deepEqual(
    events.map(({ data, id }) => `${id} ${data}`),
    ids.map((id, i) => `${id} ${i}`),
  );
  assert.deepEqual(ids.toSorted(compareEventIds), ids);
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('publishing, each event once and in order, through', { skip: noRedis }, () => {
  it('connections that are cut', async (test) => {
    const { bus, proxy } = await setting(test);
    const ids = await publishWhile(bus, 3000, async () => {
      for (let i = 0; i < 6; i++) {
        await pause(100);
        proxy.cut();
      }
    });
    await assertLogged(bus, ids);
    assert.ok(bus.seen.reconnects > 0);
  });

  it('a server that hangs, and goes on with what was sent before', async (test) => {
    const { bus, server } = await setting(test);
    const ids = await publishWhile(bus, 1000, async () => {
      await pause(50);
      server.pause();
      await pause(4500);
      server.resume();
    });
    await assertLogged(bus, ids);
  });

  it('a server that is killed and comes back', async (test) => {
    const { bus, server } = await setting(test);
    const ids = await publishWhile(bus, 1500, async () => {
      await pause(100);
      await server.kill();
      await pause(200);
      await server.start();
    });
    await assertLogged(bus, ids);
  });

  it('scripts that the server has forgotten', async (test) => {
    const { bus, server } = await setting(test);
    const ids = await publishWhile(bus, 1500, async () => {
      for (let i = 0; i < 3; i++) {
        await pause(60);
        await server.cli('SCRIPT', 'FLUSH');
      }
    });
    await assertLogged(bus, ids);
  });

  it('a connection on which what it sent arrives long after it was given up', async (test) => {
    const { bus, proxy } = await setting(test);
    proxy.stall();
    const ids = [bus.publish(event('0')), bus.publish(event('1'))];
    await pause(3500); // the command has timed out and its connection been given up, but its bytes are on their way
    proxy.flow();
    await assertLogged(bus, await Promise.all(ids));
  });
});

describe('publishing', { skip: noRedis }, () => {
  it('fails when the log stays away, and appends nothing of it later', async (test) => {
    const { bus, server } = await setting(test, { appendonly: 'always' }, { maxStallMs: 600 });
    await bus.publish(event('before'));
    await server.kill();
    await assert.rejects(bus.publish(event('lost')), BusError);
    assert.equal(bus.publisher.health().connected, false);
    await server.start();
    for (;;) {
      const id = await bus.publish(event('after')).catch(() => undefined);
      if (id !== undefined) break;
    }
    const events = await logged(bus);
    assert.deepEqual(
      events.map(({ data }) => data),
      ['before', 'after'],
    );
  });

  it('acknowledges only what enough replicas have', async (test) => {
    const { bus, server } = await setting(test, {}, { waitReplicas: 1, maxStallMs: 5000 });
    const early = bus.publish(event('0'));
    const settled = await Promise.race([early, pause(1500)]);
    assert.equal(settled, undefined, 'without a replica nothing is acknowledged');
    const replica = await startRedis({ replicaOf: { port: server.port } });
    test.after(() => replica[Symbol.asyncDispose]());
    await assertLogged(bus, [await early, await bus.publish(event('1'))]);
  });

  it('keeps no more than it may, by age and by bytes', async (test) => {
    const { bus, server } = await setting(test, {}, { maxAgeMs: 1500, maxBytes: 300_000 });
    for (let i = 0; i < 1000; i++) void bus.publish(event('x'.repeat(1000)));
    await bus.publish(event('last'));
    const bytes = async () => Number(await server.cli('MEMORY', 'USAGE', `${PREFIX}log`));
    const length = async () => Number(await server.cli('XLEN', `${PREFIX}log`));
    while ((await bytes()) > 400_000) await pause(50);
    assert.ok((await length()) > 100, 'bytes alone leave what fits');
    await pause(2000);
    while ((await length()) > 100) {
      await bus.publish(event('young'));
      await pause(50);
    }
  });

  it('raises a log that has gone back behind what it has acknowledged', async (test) => {
    const { bus, server } = await setting(test, { appendonly: false });
    const acknowledged = await bus.publish(event('0'));
    await server.flush();
    const next = await bus.publish(event('1'));
    assert.ok(compareEventIds(next, acknowledged) > 0);
    const events = await logged(bus);
    assert.deepEqual(
      events.map(({ previous }) => previous),
      [acknowledged],
      'the chain shows that something is gone',
    );
  });
});
