import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import { followed, LONG_MS, MAX, names, revocation, revocationContract } from '../bus/revocation-contract.ts';
import { eventually } from '../support/eventually.ts';
import { PREFIX } from '../support/redis/bus-process.ts';
import { startCluster } from '../support/redis/redis-cluster.ts';
import { startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startRevocations } from '../support/redis/revocation-process.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const KINDS = {
  'Redis, one server': startRedis,
  'Redis Sentinel': startSentinel,
  'Redis Cluster': startCluster,
} as const;

for (const [name, start] of Object.entries(KINDS)) {
  let server: Promise<AsyncDisposable & { readonly url: string }> | undefined;
  let stores = 0;
  after(async () => (await server)?.[Symbol.asyncDispose]());
  revocationContract(
    name,
    async (test: TestContext) => {
      server ??= start({ appendonly: false });
      const { url } = await server;
      const prefix = `tidegate:{${++stores}}:`;
      return { connect: async () => (await startRevocations(test, url, { prefix, max: MAX })).store };
    },
    noRedis,
  );

  describe(`${name}, revocations of several gateways`, { skip: noRedis }, () => {
    it('are told to all of them', async (test) => {
      server ??= start({ appendonly: false });
      const { url } = await server;
      const prefix = `tidegate:{${++stores}}:`;
      const [a, b] = [
        await startRevocations(test, url, { prefix }),
        await startRevocations(test, url, { prefix }),
      ];
      const held = await followed(b.store);
      for (const each of ['x', 'y', 'z']) await a.store.put([revocation(each)]);
      await eventually(() => assert.deepEqual(names(held), ['x', 'y', 'z']));
    });
  });
}

/** Two gateways on a server of their own, that both follow. */
async function startPair(test: TestContext) {
  const server = await startRedis({ appendonly: false });
  test.after(() => server[Symbol.asyncDispose]());
  const [a, b] = [await startRevocations(test, server.url), await startRevocations(test, server.url)];
  return { server, a, b, heldByA: await followed(a.store), heldByB: await followed(b.store) };
}

const keys = (server: RedisServer) =>
  server.cli('KEYS', `${PREFIX}*`).then((text) => text.split('\n').filter((key) => key !== ''));

describe('revocations in Redis', { skip: noRedis }, () => {
  it('that were not heard of are found all the same', async (test) => {
    const { server, heldByA } = await startPair(test);
    const { key, before, expiresAt } = revocation('silent');
    await server.cli('HSET', `${PREFIX}revocations`, key, `${before} ${expiresAt}`);
    await server.cli('SET', `${PREFIX}revocations:version`, 'another');
    await eventually(() => assert.deepEqual(names(heldByA), ['silent']));
  });

  it('are not read again as long as everything was heard of', async (test) => {
    const { server, a, b, heldByB } = await startPair(test);
    await server.cli('CONFIG', 'RESETSTAT');
    for (let i = 0; i < 30; i++) await a.store.put([revocation(`n${i}`)]);
    await eventually(() => assert.equal(names(heldByB).length, 30));
    const checks = async () =>
      Number(/cmdstat_get:calls=(\d+)/.exec(await server.cli('INFO', 'commandstats'))?.[1]);
    const before = await checks();
    await eventually(async () => assert.ok((await checks()) > before + 4));
    assert.doesNotMatch(await server.cli('INFO', 'commandstats'), /cmdstat_hscan/);
    assert.ok(b.store.ageMs() < 10_000);
  });

  it('are given back to a Redis that has lost them all', async (test) => {
    const { server, a, heldByB } = await startPair(test);
    await a.store.put(Array.from({ length: 1_200 }, (_, i) => revocation(`n${i}`)));
    await eventually(() => assert.equal(heldByB.size, 1_200));
    await server.flush();
    await eventually(async () => assert.equal(await server.cli('HLEN', `${PREFIX}revocations`), '1200'));
    const late = await startRevocations(test, server.url);
    assert.equal((await followed(late.store)).size, 1_200);
    await a.store.put([revocation('more')]);
    await eventually(() => assert.equal(heldByB.size, 1_201));
  });

  it('are given back to a Redis that has lost the last ones', async (test) => {
    const { server, a, heldByB } = await startPair(test);
    await a.store.put([revocation('kept')]);
    const version = await server.cli('GET', `${PREFIX}revocations:version`);
    await a.store.put([revocation('lost')]);
    await eventually(() => assert.equal(heldByB.size, 2));
    // As after a failover to a replica that had not got it.
    await server.cli('HDEL', `${PREFIX}revocations`, revocation('lost').key);
    await server.cli('SET', `${PREFIX}revocations:version`, version);
    await eventually(async () => assert.equal(await server.cli('HLEN', `${PREFIX}revocations`), '2'));
  });

  it('are told of when they can not be given back, and stay', async (test) => {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const a = await startRevocations(test, server.url, { max: 2 });
    const held = await followed(a.store);
    await a.store.put([revocation('a'), revocation('b')]);
    await server.flush();
    const other = await startRevocations(test, server.url, { max: 2, prefix: PREFIX });
    await other.store.put([revocation('c')]);
    await eventually(() => assert.ok(a.log.some((line) => line.includes('can not be given back'))));
    assert.deepEqual(names(held), ['a', 'b', 'c']);
  });

  it('can not be put while it is away, are kept here meanwhile, and caught up with', async (test) => {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const proxy = await startProxy(server.port);
    test.after(() => proxy[Symbol.asyncDispose]());
    const cut = await startRevocations(test, `redis://127.0.0.1:${proxy.port}`);
    const free = await startRevocations(test, server.url);
    const held = await followed(cut.store);
    await cut.store.put([revocation('before')]);
    await proxy.refuse();
    proxy.cut();
    await until(() => !cut.link.up);
    await assert.rejects(cut.store.put([revocation('never')]), BusError);
    await free.store.put([revocation('meanwhile')]);
    assert.deepEqual(names(held), ['before']);
    await proxy.accept();
    await eventually(() => assert.deepEqual(names(held), ['before', 'meanwhile']));
    assert.equal(await server.cli('HLEN', `${PREFIX}revocations`), '2');
  });

  it('can not be followed while it is away', async (test) => {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const { store, link } = await startRevocations(test, server.url);
    await server.kill();
    await until(() => !link.up);
    await assert.rejects(followed(store), BusError);
  });

  it('are not said to be kept when the clock of Redis says that they are dead', async (test) => {
    const { server, a, heldByA } = await startPair(test);
    await assert.rejects(
      a.store.put([revocation('a'), revocation('dead', -1_000)], { key: 'id', mark: 'm', forMs: 1_000 }),
      BusError,
    );
    assert.deepEqual([await keys(server), heldByA.size], [[], 0]);
    assert.match(a.log.join(''), /nothing can be revoked: the clock of Redis is ahead/);
  });

  it('leave nothing behind when they are dead', async (test) => {
    const { server, a } = await startPair(test);
    await a.store.put([revocation('a', 500)], { key: 'id', mark: 'm', forMs: 500 });
    assert.equal((await keys(server)).length, 4);
    await eventually(async () => assert.deepEqual(await keys(server), []));
  });

  it('expire with the last one', async (test) => {
    const { server, a } = await startPair(test);
    await a.store.put([revocation('long'), revocation('short', 60_000)], {
      key: 'id',
      mark: 'm',
      forMs: 1_000,
    });
    for (const key of await keys(server)) {
      const ms = Number(await server.cli('PTTL', key));
      assert.ok(ms > 0 && ms <= (key.includes('logout') ? 1_000 : LONG_MS + 1), `${key} ${ms}`);
    }
  });

  it('go on when somebody tells of versions that lead to each other', async (test) => {
    const { server, a, b, heldByB } = await startPair(test);
    await a.store.put([revocation('a')]);
    const version = await server.cli('GET', `${PREFIX}revocations:version`);
    await eventually(() => assert.deepEqual(names(heldByB), ['a']));
    // An unknown one is waited for, and what is heard meanwhile is followed.
    for (let times = 0; times < 30; times++) {
      await server.cli('SET', `${PREFIX}revocations:version`, `unknown-${times}`);
      await server.cli('PUBLISH', `${PREFIX}revoked`, `${version} x`);
      await server.cli('PUBLISH', `${PREFIX}revoked`, `x ${version}`);
    }
    await a.store.put([revocation('b')]);
    await eventually(() => assert.deepEqual(names(heldByB), ['a', 'b']));
    await eventually(() => assert.ok(b.store.ageMs() < 1_000));
  });

  it('are given back to a Redis that has thrown them away and kept their version', async (test) => {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const { store } = await startRevocations(test, server.url, { readAgainMs: 100 });
    await followed(store);
    await store.put([revocation('a')]);
    await server.cli('DEL', `${PREFIX}revocations`);
    await eventually(async () => assert.equal(await server.cli('HLEN', `${PREFIX}revocations`), '1'));
  });

  it('are not taken from a message that is not ours', async (test) => {
    const { server, a, heldByA } = await startPair(test);
    for (const text of ['', 'x', '- v1 what']) await server.cli('PUBLISH', `${PREFIX}revoked`, text);
    await a.store.put([revocation('a')]);
    await eventually(() => assert.equal(a.log.length, 3));
    assert.deepEqual(names(heldByA), ['a']);
  });
});
