import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Cluster } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { type RedisCluster, startCluster } from '../support/redis/redis-cluster.ts';
import { noRedis } from '../support/redis/redis-server.ts';

function connect(test: TestContext, { nodes }: RedisCluster): Cluster {
  const [first] = nodes;
  const { password } = first ?? {};
  const client = new Cluster(
    nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    {
      shardedSubscribers: true,
      enableAutoPipelining: true,
      redisOptions: { maxRetriesPerRequest: null, ...(password === undefined ? {} : { password }) },
    },
  );
  client.on('error', () => {});
  test.after(() => client.disconnect());
  return client;
}

describe('a Redis cluster', { skip: noRedis }, () => {
  it('serves each slot from its owner, moves slots, and loses an owner for a while', async (test) => {
    await using rig = await startCluster({ password: 'secret' });
    assert.match(rig.url, /^redis\+cluster:\/\/:secret@127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
    const cluster = connect(test, rig);
    const heard: string[] = [];
    cluster.on('smessage', (channel: string, text: string) => heard.push(`${channel} ${text}`));
    await cluster.ssubscribe('live{a}');

    const owners = new Set<number>();
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await cluster.set(key, key);
      const owner = await rig.ownerOf(key);
      assert.equal(await owner.cli('GET', key), key);
      owners.add(owner.port);
    }
    assert.equal(owners.size, 3);

    await cluster.spublish('live{a}', 'one');
    await eventually(() => assert.deepEqual(heard, ['live{a} one']));

    const before = await rig.ownerOf('a');
    const after = await rig.moveSlot('a');
    assert.notEqual(after, before);
    assert.equal(await rig.ownerOf('a'), after);
    await assert.rejects(before.cli('GET', 'a'), new RegExp(`MOVED \\d+ 127\\.0\\.0\\.1:${after.port}`));
    assert.equal(await cluster.get('a'), 'a');

    const killed = await rig.killOwner('a');
    assert.equal(killed, after);
    await killed.restart();
    await rig.settle();
    assert.equal(await rig.ownerOf('a'), after);
    assert.equal(await cluster.get('a'), 'a');
  });

  it('with replicas, replaces an owner that is gone', async (test) => {
    await using rig = await startCluster({ replicas: 1 });
    assert.equal(rig.nodes.length, 6);
    const cluster = connect(test, rig);
    // In one pipeline: WAIT has no key, so by itself it would ask whichever node comes first.
    const written = await cluster.pipeline().set('a', 'kept').wait(1, 5_000).exec();
    assert.deepEqual(written, [
      [null, 'OK'],
      [null, 1],
    ]);
    const killed = await rig.killOwner('a');
    await rig.settle();
    assert.notEqual(await rig.ownerOf('a'), killed);
    assert.equal(await cluster.get('a'), 'kept');
  });
});
