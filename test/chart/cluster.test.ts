import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { valuesFiles } from '../../scripts/chart-manifests.ts';
import { builtBinaries, type ControlPlane, noControlPlane, startControlPlane } from '../support/cluster.ts';
import { noBinaries } from '../support/cluster-needs.ts';
import { ROOT } from '../support/dev-process.ts';

const CHART = join(ROOT, 'helm', 'tidegate');
const CRDS = join(ROOT, 'manifests', 'crds.yaml');
const DEFINITIONS = ['eventgateways.tidegate.dev', 'jwtguards.tidegate.dev'];
const OPERATOR = 'system:serviceaccount:streams:tidegate-operator';
/** Of the Prometheus operator, as far as an API server has to know it. */
const SERVICE_MONITORS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

describe('a real API server', { skip: noControlPlane || noBinaries, timeout: 900_000 }, () => {
  let cluster: ControlPlane;

  before(async () => {
    cluster = await startControlPlane();
    await cluster.kubectl('apply', '--server-side', '-f', CRDS);
    await cluster.apply(SERVICE_MONITORS);
    const definitions = [...DEFINITIONS, SERVICE_MONITORS.metadata.name];
    await cluster.kubectl(
      ...['wait', '--for=condition=Established', '--timeout=60s'],
      ...definitions.map((name) => `crd/${name}`),
    );
    for (const name of ['streams', 'tidegate-system']) await cluster.kubectl('create', 'namespace', name);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const accepted = (file: string, ...args: readonly string[]) =>
    cluster.kubectl('apply', '--dry-run=server', '--validate=strict', '-f', file, ...args);

  for (const file of valuesFiles()) {
    it(`accepts every field of the chart with ${basename(file)}`, async () => {
      await accepted(join(ROOT, 'test/chart/golden', basename(file)));
    });
  }

  it('accepts the manifests for plain kubectl', async () => {
    await accepted(join(ROOT, 'manifests/install.yaml'), '--server-side');
    for (const file of globSync(join(ROOT, 'manifests/samples/*.yaml'))) await accepted(file);
  });

  for (const name of ['helm', 'helm3']) {
    describe(name, () => {
      const helm = async (...args: readonly string[]): Promise<string> => {
        const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
        const file = join(await builtBinaries(), name);
        return (await promisify(execFile)(file, args, { env, timeout: 60_000 })).stdout;
      };
      const namespace = `by-${name}`;
      const inNamespace = ['--namespace', namespace] as const;
      const password = () =>
        cluster.kubectl(...inNamespace, 'get', 'secret', 'tidegate-redis', '-o', 'jsonpath={.data.password}');

      it('keeps the password of Redis, its pod, and who leads, when it upgrades', async () => {
        await helm('install', 'tidegate', CHART, ...inNamespace, '--create-namespace');
        const first = await password();
        assert.match(Buffer.from(first, 'base64').toString('utf8'), /^\w{32}$/);
        const template = ['get', 'deployment', 'tidegate-redis', '-o', 'jsonpath={.metadata.generation}'];
        const generation = await cluster.kubectl(...inNamespace, ...template);
        const upgrade = [
          'upgrade',
          'tidegate',
          CHART,
          '--set',
          'image.tag=next',
          '--set',
          'operator.replicas=2',
        ];
        const lease = ['get', 'lease', 'tidegate-operator', '-o', 'jsonpath={.spec.holderIdentity}'];
        const held = JSON.stringify({ spec: { holderIdentity: 'somebody', leaseTransitions: 1 } });
        await cluster.kubectl(
          ...inNamespace,
          'patch',
          'lease',
          'tidegate-operator',
          '--type=merge',
          '-p',
          held,
        );
        await helm(...upgrade, ...inNamespace);
        assert.equal(await cluster.kubectl(...inNamespace, ...lease), 'somebody');
        assert.equal(await password(), first);
        assert.equal(await cluster.kubectl(...inNamespace, ...template), generation);
      });

      it('leaves nothing but the definitions', async () => {
        await helm('uninstall', 'tidegate', ...inNamespace);
        const types = await cluster.kubectl('api-resources', '--verbs=list', '-o', 'name');
        const listed = types
          .trim()
          .split('\n')
          .filter((type) => !type.startsWith('events'))
          .join(',');
        const label = 'app.kubernetes.io/instance=tidegate';
        const left = await cluster.kubectl('get', listed, '--all-namespaces', '-l', label, '-o', 'name');
        assert.equal(left, '');
        await cluster.kubectl('get', 'crd', ...DEFINITIONS);
      });

      it('leaves its definitions to kubectl, to be upgraded', async () => {
        await cluster.kubectl('delete', 'crd', ...DEFINITIONS);
        await helm('install', 'tidegate', CHART, ...inNamespace, '--set', 'gateway.enabled=false');
        const next = (await readFile(CRDS, 'utf8')).replaceAll(
          /^( +)description: .*$/gm,
          '$1description: Told better.',
        );
        await cluster.apply(next, '--server-side', '--force-conflicts');
        const told = ['get', 'crd', 'jwtguards.tidegate.dev', '-o'];
        const path = 'jsonpath={.spec.versions[0].schema.openAPIV3Schema.description}';
        assert.equal(await cluster.kubectl(...told, path), 'Told better.');
        await helm('uninstall', 'tidegate', ...inNamespace);
      });
    });
  }

  describe('the rights of the operator', () => {
    const role = (rule: Readonly<Record<string, readonly string[]>>) =>
      cluster.apply(
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'pods-of-a-gateway', namespace: 'default' },
          rules: [{ verbs: ['get', 'list', 'watch'], ...rule }],
        },
        '--server-side',
        '--dry-run=server',
        `--as=${OPERATOR}`,
      );
    /** `no` is an answer, and a failure of kubectl. */
    const verdictOn = async (...question: readonly string[]): Promise<string> => {
      const asked = cluster.kubectl('auth', 'can-i', ...question, `--as=${OPERATOR}`);
      const told = await asked.catch((error: Error) => error.message);
      return told.trim().split('\n').at(-1) ?? '';
    };

    before(() => cluster.kubectl('apply', '-f', join(ROOT, 'test/chart/golden/default.yaml')));

    it('include what it grants to the pods of a gateway, by name', async () => {
      await role({
        apiGroups: ['tidegate.dev'],
        resources: ['jwtguards', 'eventgateways'],
        resourceNames: ['a'],
      });
      await role({ apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] });
    });

    it('are no more than that', async () => {
      await assert.rejects(
        role({ apiGroups: [''], resources: ['secrets'] }),
        /attempting to grant RBAC permissions/,
      );
      await assert.rejects(
        role({ apiGroups: [''], resources: ['pods'], verbs: ['delete'] }),
        /attempting to grant/,
      );
    });

    const verdicts: readonly [verdict: string, namespace: string, ...question: string[]][] = [
      ['no', 'streams', 'get', 'secrets'],
      ['no', 'streams', 'list', 'secrets'],
      ['no', 'default', 'create', 'pods'],
      ['no', 'default', 'create', 'pods', '--subresource=exec'],
      ['no', 'default', 'patch', 'configmaps'],
      ['no', 'default', 'patch', 'eventgateways.tidegate.dev'],
      ['no', 'default', 'update', 'leases.coordination.k8s.io/tidegate-operator'],
      ['no', 'streams', 'update', 'leases.coordination.k8s.io/another'],
      ['no', 'streams', 'create', 'leases.coordination.k8s.io'],
      ['yes', 'streams', 'update', 'leases.coordination.k8s.io/tidegate-operator'],
      ['yes', 'default', 'patch', 'deployments.apps'],
      ['yes', 'default', 'patch', 'jwtguards.tidegate.dev', '--subresource=status'],
    ];
    for (const [verdict, namespace, ...question] of verdicts) {
      it(`to ${question.join(' ')} in ${namespace}: ${verdict}`, async () => {
        assert.equal(await verdictOn(...question, '--namespace', namespace), verdict);
      });
    }
  });
});
