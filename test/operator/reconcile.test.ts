import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ControlPlane, noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { FULL, gatewayDocument, guardDocument } from './documents.ts';
import { createFakePod } from './fake-pod.ts';
import { HTTP_ROUTES, SERVICE_MONITORS } from './foreign-definitions.ts';
import { ACCOUNT, OperatorProcess, operatorKubeconfig, prepare } from './operator-process.ts';
import { documentedRights, type PolicyRule } from './rights.ts';

const GATEWAY_CHILDREN = [
  'deployment/events-gateway',
  'deployment/events-ingest',
  'networkpolicy/events-gateway',
  'networkpolicy/events-ingest',
  'poddisruptionbudget/events-gateway',
  'poddisruptionbudget/events-ingest',
  'role/events-gateway',
  'role/events-ingest',
  'rolebinding/events-gateway',
  'rolebinding/events-ingest',
  'service/events-admin',
  'service/events-gateway',
  'service/events-ingest',
  'serviceaccount/events-gateway',
  'serviceaccount/events-ingest',
];
const KINDS =
  'deployments,services,poddisruptionbudgets,networkpolicies,serviceaccounts,roles,rolebindings,horizontalpodautoscalers,httproutes,servicemonitors';

describe('the operator on a real API server', { skip: noControlPlane }, () => {
  let cluster: ControlPlane;
  let operator: OperatorProcess;
  let collector: OtlpReceiver;
  let namespaces = 0;

  before(async () => {
    cluster = await startControlPlane();
    await prepare(cluster);
    for (const definition of [HTTP_ROUTES, SERVICE_MONITORS]) await cluster.apply(definition);
    collector = await new OtlpReceiver().start();
    operator = new OperatorProcess(
      cluster,
      await operatorKubeconfig(cluster),
      ...['--otlp-endpoint', collector.endpoint],
    );
    await operator.logged('reconciling');
  });
  after(async () => {
    await operator?.end('SIGKILL');
    await collector?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const makeNamespace = async (): Promise<string> => {
    const name = `test-${++namespaces}`;
    await cluster.kubectl('create', 'namespace', name);
    return name;
  };
  const get = async (namespace: string, what: string): Promise<ReturnType<typeof JSON.parse>> =>
    JSON.parse(await cluster.kubectl('-n', namespace, 'get', ...what.split(' '), '-o', 'json'));
  const children = async (namespace: string): Promise<readonly string[]> => {
    const printed = await cluster.kubectl(
      '-n',
      namespace,
      'get',
      KINDS,
      '-o',
      'name',
      '-l',
      'tidegate.dev/gateway',
    );
    return printed
      .trim()
      .split('\n')
      .map((line) => line.replace(/^([a-z]+)[^/]*/, '$1'))
      .toSorted();
  };
  const condition = async (namespace: string, what: string, type: string) => {
    const { status } = await get(namespace, what);
    return status?.conditions?.find((each: { type: string }) => each.type === type);
  };

  it('makes the children of a gateway, with every field accepted', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => {
      assert.deepEqual(
        await children(namespace),
        [...GATEWAY_CHILDREN, 'servicemonitor/events-gateway'].toSorted(),
      );
      assert.equal((await condition(namespace, 'eg/events', 'Accepted'))?.reason, 'Accepted');
    });
    const { metadata } = await get(namespace, 'deployment/events-gateway');
    assert.equal(metadata.ownerReferences[0].controller, true);
    const ready = await condition(namespace, 'eg/events', 'Ready');
    assert.equal(ready.reason, 'GatewayNotReady');
    assert.match(ready.message, /kubectl -n test-1 describe pods -l tidegate\.dev\/gateway=events/);
  });

  it('traces what it reconciles, and has gateway pods trace too', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => {
      const { spec } = await get(namespace, 'deployment/events-gateway');
      const { env } = spec.template.spec.containers[0];
      assert.deepEqual(env.slice(1), [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: collector.endpoint }]);
    });
    await eventually(() => {
      const own = collector.spans.filter(({ attributes }) => attributes['k8s.namespace.name'] === namespace);
      const done = own.filter(({ attributes }) => attributes['tidegate.outcome'] === 'done');
      assert.deepEqual(
        new Set(done.map(({ name, attributes }) => `${name} ${attributes['tidegate.kind']}`)),
        new Set(['reconcile EventGateway', 'reconcile JwtGuard']),
      );
      assert.deepEqual(
        new Set(own.map(({ attributes }) => attributes['tidegate.name'])),
        new Set(['events', 'main']),
      );
    });
  });

  it('makes all that can be asked for, and gives the number of replicas to the autoscaler', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events', FULL));
    const all = [
      ...GATEWAY_CHILDREN,
      'horizontalpodautoscaler/events-gateway',
      'httproute/events-gateway',
      'service/events-revocations',
      'servicemonitor/events-gateway',
    ];
    await eventually(async () => assert.deepEqual(await children(namespace), all.toSorted()));
    await eventually(async () => {
      const { metadata, spec } = await get(namespace, 'deployment/events-gateway');
      assert.equal(metadata.annotations['tidegate.dev/scaled-by'], 'autoscaler');
      assert.equal(spec.replicas, 3);
    });
    await cluster.kubectl('-n', namespace, 'scale', 'deployment/events-gateway', '--replicas=5');
    await cluster.apply(gatewayDocument(namespace, 'events', { ...FULL, heartbeat: '20s' }));
    const { rules } = await get(namespace, 'role/events-gateway');
    assert.deepEqual(
      rules.map(({ resources, resourceNames }: PolicyRule) => [resources, resourceNames]),
      [
        [['eventgateways'], ['events']],
        [['jwtguards'], ['main']],
        [['configmaps'], ['keys', 'producers', 'redis-ca']],
      ],
    );
    await eventually(async () => {
      const { status, metadata } = await get(namespace, 'eg/events');
      assert.equal(status.observedGeneration, metadata.generation);
    });
    assert.equal((await get(namespace, 'deployment/events-gateway')).spec.replicas, 5);
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => {
      assert.equal((await get(namespace, 'deployment/events-gateway')).spec.replicas, 2);
      assert.ok(!(await children(namespace)).includes('horizontalpodautoscaler/events-gateway'));
    });
  });

  it('lets pods read their own configuration, by name, and nothing else', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => assert.equal((await children(namespace)).length, 16));
    const groups = `/apis/tidegate.dev/v1alpha1/namespaces/${namespace}`;
    const core = `/api/v1/namespaces/${namespace}`;
    const named = (path: string, name: string) => `${path}?fieldSelector=metadata.name%3D${name}`;
    const isAllowed = (component: string, path: string) =>
      cluster
        .kubectl('get', '--raw', path, `--as=system:serviceaccount:${namespace}:events-${component}`)
        .then(
          () => true,
          (error: Error) => {
            assert.match(error.message, /forbidden/i);
            return false;
          },
        );
    const CASES: readonly (readonly [string, boolean])[] = [
      [named(`${groups}/eventgateways`, 'events'), true],
      [named(`${groups}/jwtguards`, 'main'), true],
      [named(`${core}/configmaps`, 'keys'), true],
      [named(`${groups}/eventgateways`, 'other'), false],
      [`${groups}/jwtguards`, false],
      [`${core}/configmaps`, false],
      [named(`${core}/secrets`, 'redis'), false],
      [`${core}/secrets/redis`, false],
      [`${core}/pods`, false],
    ];
    for (const component of ['gateway', 'ingest']) {
      for (const [path, expected] of CASES) {
        assert.equal(await isAllowed(component, path), expected, `${component} ${path}`);
      }
    }
  });

  it('puts back what was changed, and leaves what others have added', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => assert.equal((await children(namespace)).length, 16));
    await cluster.kubectl('-n', namespace, 'label', 'service/events-gateway', 'mine=kept');
    await cluster.kubectl(
      ...['-n', namespace, 'patch', 'service/events-gateway', '--type=json'],
      '-p=[{"op":"replace","path":"/spec/ports/0/port","value":8080}]',
    );
    await cluster.kubectl('-n', namespace, 'delete', 'networkpolicy/events-ingest');
    await cluster.kubectl('-n', namespace, 'scale', 'deployment/events-ingest', '--replicas=0');
    await eventually(async () => {
      const { spec, metadata } = await get(namespace, 'service/events-gateway');
      assert.deepEqual(
        spec.ports.map(({ port }: { port: number }) => port),
        [80],
      );
      assert.equal(metadata.labels.mine, 'kept');
      assert.ok((await children(namespace)).includes('networkpolicy/events-ingest'));
      assert.equal((await get(namespace, 'deployment/events-ingest')).spec.replicas, 2);
    });
    const service = await get(namespace, 'service/events-gateway --show-managed-fields');
    assert.deepEqual(
      service.metadata.managedFields
        .filter(({ fieldsV1 }: { fieldsV1: object }) => 'f:spec' in fieldsV1)
        .map(({ manager, operation }: { manager: string; operation: string }) => [manager, operation]),
      [['tidegate-operator', 'Apply']],
    );
    const events = await cluster.kubectl('-n', namespace, 'get', 'events.events.k8s.io', '-o', 'json');
    assert.match(events, /"note": "Service events-gateway had been changed/);
  });

  it('leaves alone what is not its own, says so, and goes on when it is out of the way', async () => {
    const namespace = await makeNamespace();
    await cluster.kubectl('-n', namespace, 'create', 'service', 'clusterip', 'events-gateway', '--tcp=1234');
    await cluster.kubectl('-n', namespace, 'create', 'serviceaccount', 'events-ingest');
    await cluster.kubectl(
      ...['-n', namespace, 'label', 'serviceaccount/events-ingest'],
      ...['app.kubernetes.io/managed-by=tidegate-operator', 'tidegate.dev/gateway=events'],
    );
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () => {
      const degraded = await condition(namespace, 'eg/events', 'Degraded');
      assert.equal(degraded?.reason, 'ChildNotOwned');
      assert.match(degraded.message, /ServiceAccount events-ingest; Service events-gateway exists/);
    });
    const { spec } = await get(namespace, 'service/events-gateway');
    assert.equal(spec.ports[0].port, 1234);
    await cluster.kubectl(
      '-n',
      namespace,
      'delete',
      'serviceaccount/events-ingest',
      'service/events-gateway',
    );
    await eventually(async () => assert.equal((await children(namespace)).length, 16));
  });

  it('says which guard is missing, and looks again when it comes', async () => {
    const namespace = await makeNamespace();
    await cluster.apply(gatewayDocument(namespace, 'events'));
    await eventually(async () =>
      assert.equal((await condition(namespace, 'eg/events', 'Accepted'))?.reason, 'GuardNotFound'),
    );
    await cluster.apply(guardDocument(namespace, 'main'));
    await eventually(async () => {
      assert.equal((await condition(namespace, 'eg/events', 'Accepted'))?.reason, 'Accepted');
      const keys = await condition(namespace, 'jg/main', 'KeysReady');
      assert.match(keys?.message, /There is no ConfigMap "keys" in this namespace: create it/);
    });
  });

  it('says that a guard is enforced when every pod has said so, and not before', async (test) => {
    const namespace = await makeNamespace();
    await cluster.apply(guardDocument(namespace, 'main'));
    await cluster.apply(gatewayDocument(namespace, 'events'));
    const { metadata } = await get(namespace, 'jg/main');
    const [first, second] = [
      await createFakePod(test, cluster, namespace, 'one'),
      await createFakePod(test, cluster, namespace, 'two'),
    ];
    first.enforces('main', metadata, 1);
    await eventually(async () => {
      const enforced = await condition(namespace, 'jg/main', 'Enforced');
      assert.equal(enforced?.reason, 'Pending');
      assert.match(enforced.message, /^1 of 2 pods enforce generation 1; not two\./);
    });
    second.enforces('main', metadata, 1);
    await eventually(async () =>
      assert.equal(
        (await condition(namespace, 'jg/main', 'Enforced'))?.message,
        '2 of 2 pods enforce generation 1.',
      ),
    );
    await cluster.apply(guardDocument(namespace, 'main', { clockSkew: '5s' }));
    await eventually(async () =>
      assert.match(
        (await condition(namespace, 'jg/main', 'Enforced'))?.message,
        /^0 of 2 pods enforce generation 2/,
      ),
    );
    first.enforces('main', metadata, 2);
    second.stop();
    await eventually(async () =>
      assert.match(
        (await condition(namespace, 'jg/main', 'Enforced'))?.message,
        /^1 of 2 pods enforce generation 2; not two \(ECONNREFUSED\)\. Port 7190/,
      ),
    );
    await cluster.kubectl('-n', namespace, 'delete', 'pod', 'two', '--force');
    await eventually(async () => {
      const { status } = await get(namespace, 'jg/main');
      assert.deepEqual(status.pods, { total: 1, enforcing: 1 });
    });
  });

  it('has needed every right that is documented, and no other', async () => {
    const seen = (await cluster.audit()).filter(({ user }) => user.username === ACCOUNT);
    const denied = seen.filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      denied.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    );
    const { cluster: everywhere, own } = await documentedRights();
    const isUsed = ({ apiGroups, resources }: PolicyRule) =>
      seen.some(({ objectRef }) => {
        const { apiGroup = '', resource = '', subresource } = objectRef ?? {};
        return (
          apiGroups.includes(apiGroup) &&
          resources.includes(subresource === undefined ? resource : `${resource}/${subresource}`)
        );
      });
    // Only an admission plugin that is off by default asks for it.
    const unused = [...everywhere, ...own].filter(
      (rule) => !isUsed(rule) && !rule.resources.includes('eventgateways/finalizers'),
    );
    assert.deepEqual(unused, []);
  });
});
