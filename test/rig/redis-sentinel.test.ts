import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { type RedisSentinel, startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis } from '../support/redis/redis-server.ts';

function connect(test: TestContext, { sentinels, servers }: RedisSentinel, sentinelPassword?: string): Redis {
  const client = new Redis({
    sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    name: 'mymaster',
    maxRetriesPerRequest: null,
    ...(servers[0].password === undefined ? {} : { password: servers[0].password }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  });
  client.on('error', () => {});
  test.after(() => client.disconnect());
  return client;
}

describe('Redis with sentinels', { skip: noRedis }, () => {
  it('changes roles as planned, with passwords, and loses nothing', async (test) => {
    await using rig = await startSentinel({ password: 'master/secret', sentinelPassword: 'sentinel-secret' });
    assert.match(
      rig.url,
      /^redis\+sentinel:\/\/:master%2Fsecret@127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/mymaster$/,
    );
    const [first, second] = rig.servers;
    const client = connect(test, rig, 'sentinel-secret');
    await client.set('key', 'value');
    assert.equal(await rig.failover(), second);
    assert.deepEqual([rig.master, rig.replica], [second, first]);
    await eventually(async () => assert.equal(await client.get('key'), 'value'));
    await eventually(async () =>
      assert.match((await client.info('server')) ?? '', new RegExp(`tcp_port:${second.port}`)),
    );
    assert.equal(await rig.failover(), first, 'and back');
  });

  for (const how of ['kill', 'pause'] as const) {
    it(`loses its master (${how}) with what was acknowledged while replication was held`, async (test) => {
      await using rig = await startSentinel();
      const [first, second] = rig.servers;
      await first.cli('SET', 'kept', 'yes');
      await eventually(async () => assert.equal(await second.cli('GET', 'kept'), 'yes'));
      await rig.holdReplication();
      assert.equal(await first.cli('SET', 'lost', 'acknowledged'), 'OK');
      assert.equal(await rig.lose(how), second);
      assert.equal(await second.cli('MGET', 'kept', 'lost'), 'yes\n');
      await rig.rejoin();
      assert.equal(await first.cli('MGET', 'kept', 'lost'), 'yes\n', 'the old master forgets it too');
      const client = connect(test, rig);
      await client.set('kept', 'still');
      await eventually(async () => assert.equal(await first.cli('GET', 'kept'), 'still'));
    });
  }
});
