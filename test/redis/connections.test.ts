import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { gatewayAcl, ingestAcl } from '../../src/bus/keys.ts';
import type { RedisTls } from '../../src/bus/redis-client.ts';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { parseRedisUrl } from '../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { createLog, silentLog } from '../../src/core/log.ts';
import { event } from '../bus/contract.ts';
import { makeCertificates } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { startBus } from '../support/redis/bus-process.ts';
import { startCluster } from '../support/redis/redis-cluster.ts';
import { startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis, type RedisOptions, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { reservePort } from '../support/redis/reserved-port.ts';
import { makeRoleFiles, type RoleFiles, RoleProcess } from '../support/role-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const PASSWORD = 'S3cret/?#%:@pass';
const PREFIX = 'p:{x}:';

async function start(test: TestContext, options: RedisOptions): Promise<RedisServer> {
  const server = await startRedis({ appendonly: false, ...options });
  test.after(() => server[Symbol.asyncDispose]());
  return server;
}

/** Publishes and follows. */
async function assertWorks(test: TestContext, url: string, tls: RedisTls = {}): Promise<void> {
  const bus = await startBus(test, url, { prefix: PREFIX, tls });
  const seen: string[] = [];
  await bus.follow({ begin() {}, event: ({ data }) => void seen.push(data), lost() {} });
  await bus.publish(event('x'));
  await until(() => seen.length === 1);
  bus.stop();
}

/** Why it fails, which is told once, by its code alone. */
async function assertFault(test: TestContext, url: string, fault: string | RegExp, tls: RedisTls = {}) {
  const lines: string[] = [];
  const log = createLog('debug', (line) => lines.push(line));
  const observer = { reconnected() {}, backfilled() {}, probed() {} };
  const link = new RedisLink(
    { target: parseRedisUrl(url), tls, prefix: PREFIX },
    { clock, random: Math.random, log, observer },
  );
  test.after(() => link.stop());
  link.start();
  // Long enough for what is to be said once to be said twice.
  await until(() => link.fault !== '');
  await new Promise((resolve) => setTimeout(resolve, 500));
  link.stop();
  if (typeof fault === 'string') assert.equal(link.fault, fault);
  else assert.match(link.fault, fault);
  assert.equal(link.up, false);
  assert.equal(lines.length, 1, lines.join(''));
  const { time, ...rest } = JSON.parse(lines[0] ?? '');
  assert.deepEqual(rest, { level: 'warn', message: 'redis is away', code: link.fault });
}

const encoded = encodeURIComponent(PASSWORD);

describe('a connection to Redis', { skip: noRedis }, () => {
  it('is made with a password, a database and a prefix', async (test) => {
    const server = await start(test, { password: PASSWORD });
    await assertWorks(test, `${server.url}/3`);
    const keys = async (database: string) => server.cli('-n', database, 'KEYS', '*');
    assert.equal(await keys('0'), '');
    for (const key of (await keys('3')).split('\n')) assert.ok(key.startsWith(PREFIX), key);
  });

  it('is made as a user', async (test) => {
    const rules = [...new Set([...ingestAcl(PREFIX), ...gatewayAcl(PREFIX)])].filter((rule) =>
      /^[+~&]/.test(rule),
    );
    const server = await start(test, {
      users: ['user default off', `user events on >${PASSWORD} resetchannels -@all ${rules.join(' ')}`],
    });
    await assertWorks(test, server.urlAs('events', PASSWORD));
  });

  it('is made by TLS, with a CA and an expected name', async (test) => {
    const server = await start(test, { tls: true });
    const ca = server.certificates?.ca ?? '';
    await assertWorks(test, server.url, { ca });
    await assertWorks(test, server.url, { ca, serverName: 'localhost' });
    await assertFault(test, server.url, /SELF_SIGNED|UNABLE_TO_VERIFY/);
    await assertFault(test, server.url, 'ERR_TLS_CERT_ALTNAME_INVALID', { ca, serverName: 'other.example' });
    const stranger = await makeCertificates(await temporaryDirectory(test));
    await assertFault(test, server.url, /CERT_SIGNATURE_FAILURE|SELF_SIGNED|UNABLE_TO_VERIFY/, {
      ca: stranger.ca,
    });
  });

  it('is made with a client certificate', async (test) => {
    const server = await start(test, { tls: 'mutual' });
    const certificates = server.certificates;
    assert.ok(certificates !== undefined);
    const { ca, client } = certificates;
    await assertWorks(test, server.url, { ca, ...client });
    await assertFault(test, server.url, /CERTIFICATE_REQUIRED|ECONNRESET|HANDSHAKE/, { ca });
  });

  it('is made to the master that sentinels name, which have credentials of their own', async (test) => {
    const sentinel = await startSentinel({
      appendonly: false,
      password: 'master-pass',
      sentinelPassword: 'sentinel-pass',
    });
    test.after(() => sentinel[Symbol.asyncDispose]());
    const { url } = sentinel;
    await assertWorks(test, `${url}?sentinelPassword=sentinel-pass`);
    await assertWorks(test, `${url}/2?sentinelUsername=default&sentinelPassword=sentinel-pass`);
    for (const each of sentinel.sentinels) {
      const least = ['-@all', '+sentinel|get-master-addr-by-name', '+sentinel|sentinels'];
      await each.cli('ACL', 'SETUSER', 'client', 'on', '>client-pass', ...least);
    }
    await assertWorks(test, `${url}?sentinelUsername=client&sentinelPassword=client-pass`);
    await assertFault(test, url, 'NOAUTH');
    await assertFault(test, `${url}?sentinelPassword=wrong`, 'WRONGPASS');
    const other = url.replace('/mymaster', '/other');
    await assertFault(test, `${other}?sentinelPassword=sentinel-pass`, 'NO_SUCH_MASTER');
    const wrong = url.replace('master-pass', 'wrong');
    await assertFault(test, `${wrong}?sentinelPassword=sentinel-pass`, 'WRONGPASS');
  });

  it('is made to the node of a cluster that owns the slot, whichever was named', async (test) => {
    const cluster = await startCluster({ appendonly: false, password: 'cluster-pass' });
    test.after(() => cluster[Symbol.asyncDispose]());
    for (const { port } of cluster.nodes) {
      await assertWorks(test, `redis+cluster://:cluster-pass@127.0.0.1:${port}`);
    }
    await using dead = await reservePort();
    const [node] = cluster.nodes;
    const hosts = `127.0.0.1:${dead.port},127.0.0.1:${node?.port}`;
    await assertWorks(test, `redis+cluster://:cluster-pass@${hosts}`);
    await assertFault(test, `redis+cluster://:wrong@127.0.0.1:${node?.port}`, 'WRONGPASS');
    await assertFault(test, `redis+cluster://127.0.0.1:${dead.port}`, 'ECONNREFUSED');
  });

  /** However often it has to, and whatever is away meanwhile. */
  async function assertReturns(
    test: TestContext,
    url: string,
    cut: () => Promise<unknown>,
    whileAway: readonly [leave: () => Promise<unknown>, back: () => Promise<unknown>],
  ): Promise<void> {
    const observer = { reconnected() {}, backfilled() {}, probed() {} };
    const parts = { clock, random: Math.random, log: silentLog, observer };
    const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix: PREFIX }, parts);
    test.after(() => link.stop());
    link.start();
    for (let times = 0; times < 6; times++) {
      await until(() => link.up);
      await cut();
      await until(() => !link.up);
    }
    await until(() => link.up);
    const [leave, back] = whileAway;
    await leave();
    await until(() => !link.up && link.fault !== '');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await back();
    await eventually(() => assert.ok(link.up, link.fault));
  }

  it('comes back again and again, also after all sentinels were away', async (test) => {
    const sentinel = await startSentinel({ appendonly: false });
    test.after(() => sentinel[Symbol.asyncDispose]());
    const cut = () => sentinel.master.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await assertReturns(test, sentinel.url, cut, [
      async () => {
        for (const each of sentinel.sentinels) await each.kill();
        await cut();
      },
      () => Promise.all(sentinel.sentinels.map((each) => each.start())),
    ]);
  });

  it('comes back again and again, also after all nodes of a cluster were away', async (test) => {
    const cluster = await startCluster({ appendonly: false });
    test.after(() => cluster[Symbol.asyncDispose]());
    const cut = async () =>
      (await cluster.ownerOf(PREFIX)).cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await assertReturns(test, cluster.url, cut, [
      () => Promise.all(cluster.nodes.map((node) => node.kill())),
      () => Promise.all(cluster.nodes.map((node) => node.start())),
    ]);
  });

  it('that is refused says why, in one word and once', async (test) => {
    const server = await start(test, { password: PASSWORD });
    const at = `127.0.0.1:${server.port}`;
    await using dead = await reservePort();
    await assertFault(test, `redis://${at}`, 'NOAUTH');
    await assertFault(test, `redis://:${encoded}x@${at}`, 'WRONGPASS');
    await assertFault(test, `redis://nobody:${encoded}@${at}`, 'WRONGPASS');
    await assertFault(test, `redis://:${encoded}@${at}/99`, 'NO_SUCH_DATABASE');
    await assertFault(test, `redis+cluster://:${encoded}@${at}`, 'NOT_A_CLUSTER');
    await assertFault(test, `redis://127.0.0.1:${dead.port}`, 'ECONNREFUSED');
    await assertFault(test, `redis+sentinel://127.0.0.1:${dead.port}/m`, 'SENTINELS_UNREACHABLE');
  });
});

describe('a role that starts', () => {
  const REDIS = '{ urlSecretRef: { name: redis, key: url } }';

  async function files(
    test: TestContext,
    url: string | undefined,
    redis: string | undefined = REDIS,
  ): Promise<RoleFiles> {
    const made = await makeRoleFiles(test);
    await made.configure(redis);
    if (url !== undefined) await made.secret('redis', { url: `${url}\n` });
    return made;
  }

  for (const role of ['gateway', 'ingest'] as const) {
    const cases: readonly {
      readonly name: string;
      readonly url?: string;
      readonly redis?: string;
      readonly secrets?: false;
      readonly says: RegExp;
    }[] = [
      {
        name: 'spec.redis',
        redis: '',
        says: /^the EventGateway has no spec\.redis, which gateway and ingest share events through\n$/,
      },
      {
        name: '--secrets-dir',
        secrets: false,
        says: /^spec\.redis\.urlSecretRef: needs --secrets-dir, under which it is NAME\/KEY\n$/,
      },
      { name: 'the secret file', says: /^spec\.redis\.urlSecretRef: redis\/url [^\n]+\n$/ },
      {
        name: 'a good URL',
        url: `http://u:${encoded}@h`,
        says: /^spec\.redis\.urlSecretRef: the Redis URL must be such as [^\n]+\n$/,
      },
      {
        name: 'a hash tag for a cluster',
        url: `redis+cluster://u:${encoded}@127.0.0.1:1`,
        redis: '{ urlSecretRef: { name: redis, key: url }, prefix: "events:" }',
        says: /^spec\.redis\.prefix: must hold a hash tag such as \{events\} for a Redis Cluster\n$/,
      },
      {
        name: 'its CA',
        url: `rediss://u:${encoded}@127.0.0.1:1`,
        redis:
          '{ urlSecretRef: { name: redis, key: url }, tls: { caConfigMapKeyRef: { name: ca, key: ca.crt } } }',
        says: /^ca\/ca\.crt [^\n]+\n$/,
      },
    ];
    for (const { name, url, redis = REDIS, secrets, says } of cases) {
      it(`as ${role} without ${name} ends with 1 and one sentence`, async (test) => {
        const made = await files(test, url, redis === '' ? undefined : redis);
        if (redis === '') await made.configure();
        const flags = secrets === false ? [] : ['--secrets-dir', made.secretsDir];
        const rest = await run(test, role, [made.file, ...flags]);
        assert.deepEqual([rest.code, rest.out], [1, '']);
        assert.match(rest.err, says);
        assert.ok(!rest.err.includes('S3cret'));
      });
    }

    it(`as ${role} ends with 3 and one sentence when Redis can't be reached`, async (test) => {
      await using dead = await reservePort();
      const made = await files(test, `redis://u:${encoded}@127.0.0.1:${dead.port}`);
      const flags = ['--secrets-dir', made.secretsDir, '--log-level', 'error'];
      const { code, err, out } = await run(test, role, [made.file, ...flags]);
      assert.deepEqual([code, out], [3, '']);
      assert.equal(err, 'Redis could not be reached within 10 s: ECONNREFUSED\n');
    });

    it(`as ${role} ends at once when it is told to while it waits for Redis`, async (test) => {
      await using dead = await reservePort();
      const made = await files(test, `redis://127.0.0.1:${dead.port}`);
      const process = new RoleProcess(test, role, [made.file, '--secrets-dir', made.secretsDir]);
      await process.logged('redis is away');
      process.child.kill('SIGTERM');
      assert.equal(await process.ended(), 3);
      assert.match(process.err, /\ntold to end before Redis could be reached\n$/);
    });
  }

  async function run(test: TestContext, role: 'gateway' | 'ingest', args: readonly string[]) {
    const process = new RoleProcess(test, role, args);
    const code = await process.ended();
    return { code, err: process.err, out: process.out };
  }
});
