import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { AccessSettings } from '../../src/kube/credentials.ts';
import type { HttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { inCluster } from '../../src/kube/in-cluster.ts';
import type { KubeReader } from '../../src/kube/kube-client.ts';
import { isJsonObject } from '../../src/kube/kube-object.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import type { ResourceType, Selection } from '../../src/kube/resource-type.ts';
import { RecordedObjects, RecordedReflections } from '../kube/parts.ts';
import { type ControlPlane, givenKubeconfig, noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { adminSettings, CONFIG_MAPS, configMap, kubeClient, NAMESPACES, namespace } from './kube-parts.ts';

/** These tests kill the API server and forget its past. */
const skip = noControlPlane || (givenKubeconfig !== undefined && 'the given cluster is not ours to break');

describe('kube/ and a real API server', { skip, timeout: 110_000 }, () => {
  let plane: ControlPlane;
  let admin: AccessSettings;
  let client: HttpKubeClient;

  before(async () => {
    plane = await startControlPlane();
    admin = await adminSettings(plane.kubeconfig);
    client = kubeClient(admin);
  });
  after(async () => {
    client?.close();
    await plane?.[Symbol.asyncDispose]();
  });

  async function makeNamespace(name: string): Promise<string> {
    await client.create(NAMESPACES, namespace(name));
    return name;
  }

  async function reflect(
    test: TestContext,
    selection: Selection,
    { reader = client, type = CONFIG_MAPS }: { reader?: KubeReader; type?: ResourceType } = {},
  ) {
    const listener = new RecordedObjects();
    const observer = new RecordedReflections();
    const log = new RecordedLog();
    const parts = { reader, clock: systemClock, random: Math.random, log, observer };
    const reflector = new Reflector(type, selection, listener, parts);
    test.after(() => reflector.stop());
    await reflector.start();
    return { reflector, told: listener.told, observer, log };
  }

  it('writes, reads, refuses and deletes', async () => {
    const place = await makeNamespace('writes');
    const draft = configMap(place, 'a', { size: '1' });
    const ref = { name: 'a', namespace: place };
    const made = await client.apply(CONFIG_MAPS, draft, { fieldManager: 'us' });
    assert.deepEqual((await client.get(CONFIG_MAPS, ref)).metadata.uid, made.metadata.uid);
    assert.equal(
      (await client.apply(CONFIG_MAPS, draft, { fieldManager: 'us' })).metadata.resourceVersion,
      made.metadata.resourceVersion,
    );
    const other = configMap(place, 'a', { size: '2' });
    await assert.rejects(client.apply(CONFIG_MAPS, other, { fieldManager: 'them' }), {
      code: 'conflict',
      message: /conflict with "us"/,
    });
    await client.apply(CONFIG_MAPS, other, { fieldManager: 'them', force: true });
    await assert.rejects(client.update(CONFIG_MAPS, { ...made, data: {} }), { code: 'conflict' });
    await assert.rejects(client.create(CONFIG_MAPS, draft), { code: 'already_exists' });
    const patched = await client.patch(CONFIG_MAPS, ref, { data: { size: '3' } });
    assert.deepEqual(patched['data'], { size: '3' });
    const unknown = { ...draft, dat: {} };
    await assert.rejects(client.apply(CONFIG_MAPS, unknown, { fieldManager: 'us' }), {
      code: 'invalid',
      retryable: false,
      message: /dat/,
    });
    await assert.rejects(client.delete(CONFIG_MAPS, ref, { uid: 'another' }), { code: 'conflict' });
    await client.delete(CONFIG_MAPS, ref, { uid: made.metadata.uid });
    await assert.rejects(client.get(CONFIG_MAPS, ref), {
      code: 'not_found',
      message: /configmaps "a" not found/,
    });
  });

  it('lists a thousand objects in pages, and follows one of them by its name', async (test) => {
    const place = await makeNamespace('thousand');
    const names = Array.from({ length: 1_000 }, (_, index) => `object-${index}`);
    for (let at = 0; at < names.length; at += 50) {
      const some = names.slice(at, at + 50);
      await Promise.all(some.map((name) => client.create(CONFIG_MAPS, configMap(place, name))));
    }
    const { reflector, told } = await reflect(test, { namespace: place });
    const { reflector: one, told: toldOfOne } = await reflect(test, { namespace: place, name: 'object-7' });
    await Promise.all([reflector.synced, one.synced]);
    assert.deepEqual([told.length, reflector.objects.size, one.objects.size], [1_000, 1_000, 1]);
    await client.patch(CONFIG_MAPS, { name: 'object-8', namespace: place }, { data: { a: 'b' } });
    await client.patch(CONFIG_MAPS, { name: 'object-7', namespace: place }, { data: { a: 'b' } });
    await client.delete(CONFIG_MAPS, { name: 'object-7', namespace: place });
    await eventually(() => {
      assert.deepEqual(
        toldOfOne.map((word) => word.replace(/@.*/, '')),
        ['+object-7', 'object-7', '-object-7'],
      );
      assert.equal(told.length, 1_003);
    });
  });

  it('misses nothing while the API server is killed and comes back', async (test) => {
    const place = await makeNamespace('killed');
    await client.create(CONFIG_MAPS, configMap(place, 'kept', { at: '0' }));
    await client.create(CONFIG_MAPS, configMap(place, 'gone'));
    const { reflector, told, observer } = await reflect(test, { namespace: place });
    await reflector.synced;
    await plane.stop('kube-apiserver');
    await eventually(() => assert.equal(reflector.state.kind, 'failing'));
    assert.deepEqual([...reflector.objects.keys()].toSorted(), [`${place}/gone`, `${place}/kept`]);
    await plane.start('kube-apiserver');
    // Right after: before the reflector has noticed.
    await client.delete(CONFIG_MAPS, { name: 'gone', namespace: place });
    await client.patch(CONFIG_MAPS, { name: 'kept', namespace: place }, { data: { at: '1' } });
    await client.create(CONFIG_MAPS, configMap(place, 'made'));
    await eventually(() => {
      assert.deepEqual([...reflector.objects.keys()].toSorted(), [`${place}/kept`, `${place}/made`]);
      assert.deepEqual(reflector.objects.get(`${place}/kept`)?.['data'], { at: '1' });
      assert.equal(reflector.state.kind, 'watching');
    });
    assert.equal(told.filter((word) => word === '-gone').length, 1);
    assert.ok(
      observer.failures.every((code) => code !== 'internal'),
      observer.failures.join(),
    );
  });

  it('misses nothing while etcd is away', async (test) => {
    const place = await makeNamespace('etcd');
    const { reflector } = await reflect(test, { namespace: place });
    await reflector.synced;
    await plane.stop('etcd');
    await plane.start('etcd');
    await eventually(async () => void (await client.create(CONFIG_MAPS, configMap(place, 'made'))));
    await eventually(() => assert.equal(reflector.objects.size, 1));
  });

  it('lists again when the past has been forgotten', async (test) => {
    const place = await makeNamespace('compacted');
    await client.create(CONFIG_MAPS, configMap(place, 'gone'));
    const start = await client.list(CONFIG_MAPS, { namespace: place }, { objectsMax: 10 });
    await client.delete(CONFIG_MAPS, { name: 'gone', namespace: place });
    const made = await client.create(CONFIG_MAPS, configMap(place, 'made'));
    await compact(plane, made.metadata.resourceVersion);
    // Its watch cache begins anew with what etcd has.
    await plane.stop('kube-apiserver');
    await plane.start('kube-apiserver');
    // A pod that was cut off all the time goes on from the list that it had.
    let isFirst = true;
    const reader: KubeReader = {
      list: async (...args) => {
        if (!isFirst) return client.list(...args);
        isFirst = false;
        return start;
      },
      watch: (...args) => client.watch(...args),
    };
    const { reflector, told, observer } = await reflect(test, { namespace: place }, { reader });
    await eventually(() => assert.deepEqual([...reflector.objects.keys()], [`${place}/made`]));
    assert.deepEqual(
      told.map((word) => word.replace(/@.*/, '')),
      ['+gone', '-gone', '+made'],
    );
    assert.deepEqual([observer.failures, observer.lists.length], [['gone'], 2]);
  });

  it('waits for a type that is not installed, and goes on waiting when it is removed', async (test) => {
    const type = { group: 'tests.tidegate.dev', version: 'v1', plural: 'widgets', kind: 'Widget' };
    const { reflector, observer } = await reflect(test, {}, { type });
    await eventually(() => assert.equal(reflector.state.kind, 'failing'));
    assert.deepEqual(
      [reflector.state.kind === 'failing' && reflector.state.code, reflector.isSynced],
      ['not_found', false],
    );
    await plane.apply(WIDGETS);
    await plane.kubectl('wait', '--for=condition=Established', 'crd/widgets.tests.tidegate.dev');
    const { reflector: second, told } = await reflect(test, {}, { type });
    await second.synced;
    await plane.apply({ apiVersion: 'tests.tidegate.dev/v1', kind: 'Widget', metadata: { name: 'w' } });
    await eventually(() => assert.equal(told.length, 1));
    await plane.kubectl('delete', 'crd/widgets.tests.tidegate.dev');
    await eventually(() => {
      assert.deepEqual(
        [second.state.kind === 'failing' && second.state.code, second.objects.size],
        ['not_found', 0],
      );
    });
    assert.ok(observer.failures.every((code) => code === 'not_found'));
  });

  it('follows with the token of a pod, through a Role that comes later and a token that is refused and replaced', async (test) => {
    const place = await makeNamespace('pod');
    await plane.kubectl('create', 'serviceaccount', 'pod', '-n', place);
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-pod-'));
    test.after(() => rm(directory, { recursive: true, force: true }));
    const ca = admin.ca?.kind === 'text' ? admin.ca.text : '';
    await writeFile(join(directory, 'ca.crt'), ca);
    await writeToken(directory, await token(place));
    const { hostname: host, port } = new URL(plane.server);
    const log = new RecordedLog();
    const pod = kubeClient(inCluster({ host, port, directory }), log);
    test.after(() => pod.close());
    await client.create(CONFIG_MAPS, configMap(place, 'mine', { at: '0' }));
    const {
      reflector,
      told,
      observer,
      log: reflectorLog,
    } = await reflect(test, { namespace: place, name: 'mine' }, { reader: pod });
    await eventually(() =>
      assert.ok(reflector.state.kind === 'failing' && reflector.state.code === 'forbidden'),
    );
    await plane.kubectl(
      'create',
      'role',
      'pod',
      '-n',
      place,
      '--verb=get,list,watch',
      '--resource=configmaps',
      '--resource-name=mine',
    );
    await plane.kubectl(
      'create',
      'rolebinding',
      'pod',
      '-n',
      place,
      '--role=pod',
      `--serviceaccount=${place}:pod`,
    );
    await reflector.synced;
    assert.equal(told.length, 1);
    await assert.rejects(pod.list(CONFIG_MAPS, { namespace: place }, { objectsMax: 1 }), {
      code: 'forbidden',
    });
    // Its token is of the account that was, and refused as an expired one is. The API server remembers what it has
    // accepted for some seconds, unless it is started anew.
    await plane.kubectl('delete', 'serviceaccount', 'pod', '-n', place);
    await plane.kubectl('create', 'serviceaccount', 'pod', '-n', place);
    await plane.stop('kube-apiserver');
    await plane.start('kube-apiserver');
    await eventually(() =>
      assert.ok(
        reflector.state.kind === 'failing' && reflector.state.code === 'unauthorized',
        JSON.stringify(reflector.state),
      ),
    );
    assert.equal(reflector.objects.size, 1);
    await client.patch(CONFIG_MAPS, { name: 'mine', namespace: place }, { data: { at: '1' } });
    const fresh = await token(place);
    await writeToken(directory, fresh);
    await eventually(() => assert.equal(told.length, 2));
    const expected = ['forbidden', 'unreachable', 'unauthorized', 'unavailable'];
    assert.deepEqual(
      observer.failures.filter((code) => !expected.includes(code)),
      [],
    );
    assert.ok(![...log.lines, ...reflectorLog.lines].join().includes(fresh));
  });

  async function token(place: string): Promise<string> {
    return (await plane.kubectl('create', 'token', 'pod', '-n', place)).trim();
  }
});

async function writeToken(directory: string, token: string): Promise<void> {
  const next = join(directory, 'token.next');
  await writeFile(next, token);
  await rename(next, join(directory, 'token'));
}

async function compact({ etcdUrl }: ControlPlane, revision: string): Promise<void> {
  const body = JSON.stringify({ revision, physical: true });
  const response = await fetch(`${etcdUrl}/v3/kv/compaction`, { method: 'POST', body });
  const answer: unknown = await response.json();
  assert.ok(response.ok && isJsonObject(answer), JSON.stringify(answer));
}

const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.tests.tidegate.dev' },
  spec: {
    group: 'tests.tidegate.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } },
      },
    ],
  },
};
