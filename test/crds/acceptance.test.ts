// biome-ignore-all lint/suspicious/noTemplateCurlyInString: topics are templates
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { guard } from '../config/documents.ts';
import { anyCluster, type Cluster, noControlPlane } from '../support/cluster.ts';
import { inCluster } from './documents.ts';
import { collection, installDefinitions, judge } from './installed.ts';

const NAMES = ['jwtguards.tidegate.dev', 'eventgateways.tidegate.dev'];

describe('the custom resource definitions', { skip: noControlPlane }, () => {
  let cluster: Cluster;
  const namespace = `tidegate-crds-${process.pid}`;
  before(async () => {
    cluster = await anyCluster();
    await installDefinitions(cluster);
    await cluster.kubectl('create', 'namespace', namespace);
  });
  after(async () => {
    await cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
    await cluster[Symbol.asyncDispose]();
  });

  const answered = async (method: string, path: string, body?: unknown, type?: string) => {
    const { status, body: answer } = await cluster.request(method, path, body, type);
    assert.ok(status < 300, `${status}: ${JSON.stringify(answer)}`);
    return Object(answer);
  };

  for (const name of NAMES) {
    it(`${name} is established and structural`, async () => {
      const { status } = await answered(
        'GET',
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`,
      );
      const conditions: readonly { type: string; status: string }[] = status.conditions;
      const told = Object.fromEntries(conditions.map((each) => [each.type, each.status]));
      assert.deepEqual(told, { NamesAccepted: 'True', Established: 'True' });
    });
  }

  it('can be applied again, and then change nothing', async () => {
    const generations = async () => {
      const found = NAMES.map((name) =>
        answered('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`),
      );
      return (await Promise.all(found)).map(({ metadata }) => metadata.generation);
    };
    const earlier = await generations();
    await installDefinitions(cluster);
    assert.deepEqual(await generations(), earlier);
  });

  it('fill in the defaults of a guard', async () => {
    const { spec } = await answered('POST', `${collection('JwtGuard', namespace)}?dryRun=All`, guard());
    assert.deepEqual(spec, {
      issuer: 'https://auth.example.com',
      audiences: ['https://api.example.com'],
      jwks: { uri: 'https://auth.example.com/jwks.json', refreshInterval: '10m' },
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
      clockSkew: '0s',
      claims: { subject: 'sub', scopes: 'scope', session: 'sid' },
      credentials: { header: true, query: 'access_token' },
      challenge: { answer: 'Stream' },
    });
  });

  it('fill in the defaults of a gateway', async () => {
    const { spec } = await answered(
      'POST',
      `${collection('EventGateway', namespace)}?dryRun=All`,
      inCluster(),
    );
    assert.deepEqual(spec, {
      streams: [
        { path: '/events', topics: ['events'], guardRefs: [{ name: 'example' }], public: false, scopes: [] },
      ],
      accessLog: { enabled: true },
      cors: { origins: ['*'] },
      heartbeat: '15s',
      retry: '2s',
      replay: { maxEvents: 100_000, maxAge: '1h', maxBytes: '256Mi', maxPerStream: 10_000 },
      limits: {
        connections: 20_000,
        perSubject: 20,
        eventBytes: '256Ki',
        ringBytes: '64Mi',
        lagTime: '30s',
      },
      drain: { lameDuck: '10s', window: '60s' },
      redis: {
        urlSecretRef: { name: 'redis', key: 'url' },
        required: false,
        notReadyAfter: '10s',
        waitReplicas: 0,
      },
      ingest: { replicas: 2, auth: 'None', maxStall: '30s' },
      gateway: { replicas: 2 },
    });
  });

  it('let the largest gateway through, whose rules cost most', async () => {
    const numbered = (amount: number, characters: number) =>
      Array.from({ length: amount }, (_, index) => `${index}.`.padEnd(characters, 'x'));
    const streams = numbered(64, 255).map((path) => ({
      path: `/${path}`,
      topics: numbered(32, 256).map((topic) => topic.replace(/.{6}$/, '${sub}')),
      guardRefs: numbered(8, 253).map((name) => ({ name })),
      scopes: numbered(32, 256),
    }));
    const cors = { origins: numbered(64, 248).map((host) => `https://${host}`) };
    const { accepted, message } = await judge(cluster, inCluster({ streams, cors }));
    assert.deepEqual([accepted, message], [true, '']);
  });

  it('keep the status apart: a spec cannot be written through it, nor it with the spec', async () => {
    const status = {
      observedGeneration: 1,
      conditions: [
        condition('Accepted', 'True'),
        condition('KeysReady', 'Unknown'),
        condition('Enforced', 'False'),
      ],
      pods: { total: 3, enforcing: 2 },
    };
    const made = await answered(
      'POST',
      collection('JwtGuard', namespace),
      Object.assign({}, guard(), { status }),
    );
    assert.equal(made.status, undefined);
    const path = `${collection('JwtGuard', namespace)}/example`;
    const patch = { spec: { issuer: 'other' }, status };
    const patched = await answered('PATCH', `${path}/status`, patch, 'application/merge-patch+json');
    assert.deepEqual(patched.status, status);
    assert.equal(patched.spec.issuer, 'https://auth.example.com');
    assert.equal(patched.metadata.generation, 1);
  });

  it('are read by their short names, in columns that tell how it stands', async () => {
    const status = {
      observedGeneration: 1,
      conditions: [condition('Accepted', 'True'), condition('Ready', 'True'), condition('Degraded', 'False')],
      gateway: { replicas: 3, readyReplicas: 3, updatedReplicas: 3 },
      ingest: { replicas: 2, readyReplicas: 1 },
      connections: 12_345,
    };
    await answered('POST', collection('EventGateway', namespace), inCluster());
    const path = `${collection('EventGateway', namespace)}/local/status`;
    await answered('PATCH', path, { status }, 'application/merge-patch+json');
    const table = async (...what: readonly string[]) =>
      (await cluster.kubectl('get', '-n', namespace, ...what))
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).slice(0, -1));
    assert.deepEqual(await table('eg'), [
      ['NAME', 'ACCEPTED', 'READY', 'GATEWAYS', 'INGESTS', 'CONNECTIONS'],
      ['local', 'True', 'True', '3', '1', '12345'],
    ]);
    assert.deepEqual(await table('jg'), [
      ['NAME', 'ISSUER', 'ACCEPTED', 'KEYS', 'ENFORCED', 'ENFORCING', 'PODS'],
      ['example', 'https://auth.example.com', 'True', 'Unknown', 'False', '2', '3'],
    ]);
    const all = await cluster.kubectl('get', 'tidegate', '-n', namespace, '-o', 'name');
    assert.deepEqual(all.trim().split('\n').toSorted(), [
      'eventgateway.tidegate.dev/local',
      'jwtguard.tidegate.dev/example',
    ]);
  });

  it('leave each its own part of a list: streams by path, conditions by type', async () => {
    const applied = (manager: string, path: string) =>
      answered(
        'PATCH',
        `${collection('EventGateway', namespace)}/shared?fieldManager=${manager}`,
        Object.assign({}, inCluster({ streams: [{ path, public: true }] }), { metadata: { name: 'shared' } }),
        'application/apply-patch+yaml',
      );
    await applied('one', '/one');
    const { spec } = await applied('other', '/other');
    const streams: readonly { path: string }[] = spec.streams;
    assert.deepEqual(streams.map(({ path }) => path).toSorted(), ['/one', '/other']);
  });

  it('are explained by kubectl', async () => {
    assert.match(await cluster.kubectl('explain', 'eg.spec.redis.urlSecretRef'), /redis\+sentinel:/);
  });
});

function condition(type: string, status: string) {
  return { type, status, lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Tested', message: '' };
}
