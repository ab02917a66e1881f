import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { collection, installDefinitions } from '../crds/installed.ts';
import { type ControlPlane, noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { AUDIENCE, createKey, forge, goodClaims, ISSUER, jwks, type Members } from '../support/issuer.ts';
import { openStream } from '../support/open-stream.ts';
import { connectProducer } from '../support/producer.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { request } from '../support/request.ts';
import { makeRoleFiles, RoleProcess } from '../support/role-process.ts';

const [KEY, OTHER_KEY] = [createKey('k1'), createKey('k2')];
const FROM_CLUSTER = ['--name', 'events', '--namespace', 'default'];
const API_VERSION = 'tidegate.dev/v1alpha1';

const token = (claims: Members = {}, key = KEY) => forge(key, { ...goodClaims(Date.now()), ...claims });

/** Processes outside of the cluster, with a kubeconfig; everything but their being pods is real. */
describe('gateway and ingest, by the cluster’s configuration', { skip: noControlPlane || noRedis }, () => {
  let cluster: ControlPlane;
  let redis: RedisServer;

  before(async () => {
    [cluster, redis] = await Promise.all([startControlPlane(), startRedis()]);
    await installDefinitions(cluster);
  });
  after(async () => {
    await redis?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const guard = (spec: Members = {}, name = 'main') =>
    cluster.apply({
      apiVersion: API_VERSION,
      kind: 'JwtGuard',
      metadata: { name },
      spec: {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        jwks: { configMapKeyRef: { name: 'keys', key: 'jwks.json' } },
        ...spec,
      },
    });
  const keys = (text: string) =>
    cluster.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'keys' },
      data: { 'jwks.json': text },
    });
  const gateway = (spec: Members = {}) =>
    cluster.apply({
      apiVersion: API_VERSION,
      kind: 'EventGateway',
      metadata: { name: 'events' },
      spec: {
        streams: [{ path: '/events', guardRefs: [{ name: 'main' }] }],
        redis: { urlSecretRef: { name: 'redis', key: 'url' } },
        ingest: { auth: 'None' },
        drain: { lameDuck: '0s', window: '0s' },
        ...spec,
      },
    });
  const start = async (test: TestContext, role: 'gateway' | 'ingest') => {
    const files = await makeRoleFiles(test);
    await files.secret('redis', { url: redis.url });
    return new RoleProcess(test, role, [
      ...FROM_CLUSTER,
      '--kubeconfig',
      cluster.kubeconfig,
      '--secrets-dir',
      files.secretsDir,
    ]);
  };
  const open = (port: number, bearer = token()) =>
    openStream(port, '/events', { authorization: `Bearer ${bearer}` });
  const reason = (data: string) => JSON.parse(data).reason;

  it('serve what is there, and what changes changes running streams', { timeout: 240_000 }, async (test) => {
    await Promise.all([keys(jwks(KEY)), guard(), gateway()]);
    const [serving, taking] = await Promise.all([start(test, 'gateway'), start(test, 'ingest')]);
    const [port, admin, ingest] = await Promise.all([
      serving.port('http'),
      serving.port('admin'),
      taking.port('ingest'),
    ]);
    const enforced = async (): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${admin}/status`)).text();
      return JSON.parse(text).guards.find(({ name }: { name: string }) => name === 'main')
        ?.enforcedGeneration;
    };

    using first = await open(port);
    assert.equal(first.status, 200);
    using producer = await connectProducer(ingest);
    producer.socket.write('{"data":"hello","ref":"1"}\n');
    assert.equal((await first.next('message')).data, 'hello');

    // A guard that asks for another audience: the stream ends, and only then is the generation told.
    const before = await enforced();
    await guard({ audiences: ['https://other.example'] });
    assert.equal(reason((await first.next('end')).data), 'guard_changed');
    await eventually(async () => assert.equal(await enforced(), before + 1));
    using wide = await open(port, token({ aud: 'https://other.example' }));
    assert.equal(wide.status, 200);
    await guard();
    await eventually(async () => assert.equal(await enforced(), before + 2));

    // A key that leaves its ConfigMap.
    using second = await open(port);
    await keys(jwks(OTHER_KEY));
    assert.equal(reason((await second.next('end')).data), 'guard_changed');
    using third = await open(port, token({}, OTHER_KEY));
    assert.equal(third.status, 200);

    // What the API server would not even store, an older one might have: it changes nothing here.
    await assert.rejects(guard({ audiences: [] }));

    // A guard that is deleted, and made again.
    await cluster.kubectl('delete', 'jwtguard', 'main');
    assert.equal(reason((await third.next('end')).data), 'guard_changed');
    await guard();
    await eventually(async () => {
      using again = await open(port, token({}, OTHER_KEY));
      assert.equal(again.status, 200);
    });

    // A path that is added, with a guard of its own.
    await guard({ issuer: 'https://second.example' }, 'second');
    await gateway({
      streams: [
        { path: '/events', guardRefs: [{ name: 'main' }] },
        { path: '/more', guardRefs: [{ name: 'second' }] },
      ],
    });
    await eventually(async () => {
      const bearer = token({ iss: 'https://second.example' }, OTHER_KEY);
      using more = await openStream(port, '/more', { authorization: `Bearer ${bearer}` });
      assert.equal(more.status, 200);
    });

    // The API server goes away: everything goes on with what there is, and takes changes again afterwards.
    using lasting = await open(port, token({}, OTHER_KEY));
    await cluster.stop('kube-apiserver');
    producer.socket.write('{"data":"without an API server"}\n');
    assert.equal((await lasting.next('message')).data, 'without an API server');
    using fresh = await open(port, token({}, OTHER_KEY));
    assert.equal(fresh.status, 200);
    await cluster.start('kube-apiserver');
    await guard({ audiences: ['https://yet.another.example'] });
    assert.equal(reason((await lasting.next('end')).data), 'guard_changed');
    const ready = await request(`http://127.0.0.1:${admin}/readyz`);
    assert.equal(ready.status, 200);
  });

  it('say in one sentence what they wait for when there is nothing', { timeout: 180_000 }, async (test) => {
    const files = await makeRoleFiles(test);
    const process = new RoleProcess(test, 'gateway', [
      '--name',
      'missing',
      '--namespace',
      'default',
      '--kubeconfig',
      cluster.kubeconfig,
      '--secrets-dir',
      files.secretsDir,
    ]);
    assert.equal(await process.ended(), 3);
    assert.match(
      process.err,
      /no configuration from the cluster within 30 s: there is no usable EventGateway missing\n$/,
    );
    assert.equal((await cluster.request('GET', collection('EventGateway'))).status, 200);
  });
});
