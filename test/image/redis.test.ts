import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ClusterNode, noNode, startNode } from '../support/cluster.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { noRedisImage, REDIS_IMAGE, redisImage } from './redis-image.ts';

const NAMESPACE = ['--namespace', 'streams'] as const;
const DEPLOYMENT = 'deployment/tidegate-redis';

describe("the chart's Redis on a real node", { skip: noNode || noRedisImage, timeout: 900_000 }, () => {
  let directory: string;
  let cluster: ClusterNode;

  before(
    async () => {
      directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-image-'));
      cluster = await startNode();
      await cluster.load(await redisImage(directory));
      await cluster.apply({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'streams', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      });
      const { repository, tag } = REDIS_IMAGE;
      await cluster.run([
        ...[join(cluster.bin, 'helm'), 'install', 'tidegate', join(ROOT, 'helm', 'tidegate'), ...NAMESPACE],
        ...['--set', `operator.replicas=0,redis.image.repository=${repository},redis.image.tag=${tag}`],
      ]);
      await cluster.kubectl(...NAMESPACE, 'rollout', 'status', DEPLOYMENT, '--timeout=60s');
    },
    { timeout: 900_000 },
  );
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const inPod = (...command: readonly string[]) =>
    cluster.kubectl(...NAMESPACE, 'exec', DEPLOYMENT, '--', ...command);

  it('takes the URL that the gateway is given, and nobody without the password', async () => {
    const path = 'jsonpath={.data.url}';
    const encoded = await cluster.kubectl(...NAMESPACE, 'get', 'secret', 'tidegate-redis', '-o', path);
    const url = Buffer.from(encoded, 'base64').toString('utf8');
    assert.match(url, /^redis:\/\/default:\w{32}@tidegate-redis\.streams\.svc:6379$/);
    // A pod is ready a little before its Service leads there.
    await eventually(async () => {
      assert.equal(await inPod('redis-cli', '-u', url, 'set', 'kept', 'yes'), 'OK\n');
    });
    const refused = await inPod('redis-cli', '-u', url.replace(/:\w{32}@/, ':wrong@'), 'ping');
    assert.match(refused, /WRONGPASS|NOAUTH/);
  });

  it('has its log again when its process has died', async () => {
    const status = ['get', 'pods', '-l', 'app.kubernetes.io/component=redis', '-o'];
    const restarts = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}';
    // The command goes down with the process.
    await inPod('redis-cli', 'shutdown', 'nosave').catch(() => undefined);
    await cluster.kubectl(
      ...NAMESPACE,
      ...['wait', 'pods', '-l', 'app.kubernetes.io/component=redis', '--timeout=60s'],
      `--for=jsonpath={.status.containerStatuses[0].restartCount}=1`,
    );
    await cluster.kubectl(...NAMESPACE, 'rollout', 'status', DEPLOYMENT, '--timeout=60s');
    assert.equal(await cluster.kubectl(...NAMESPACE, ...status, restarts), '1');
    assert.equal(await inPod('redis-cli', 'get', 'kept'), 'yes\n');
  });
});
