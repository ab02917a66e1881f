import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ClusterNode, noNode, startNode } from '../support/cluster.ts';
import { ROOT } from '../support/dev-process.ts';
import { noBuildah } from './buildah.ts';
import { IMAGE, tidegateImage } from './tidegate-image.ts';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const CONTAINER = {
  image: IMAGE,
  imagePullPolicy: 'Never',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

describe('the image on a real node', { skip: noBuildah || noNode, timeout: 900_000 }, () => {
  let cluster: ClusterNode;

  before(
    async () => {
      cluster = await startNode();
      await cluster.load(await tidegateImage());
      await cluster.apply({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      });
    },
    { timeout: 900_000 },
  );
  after(() => cluster?.[Symbol.asyncDispose]());

  /** The kubelet itself finds out that its user is not root: the image says so by number. */
  it('runs as a restricted pod', async () => {
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'version', namespace: 'strict' },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        containers: [{ ...CONTAINER, name: 'tidegate', args: ['--version'] }],
      },
    });
    const inNamespace = ['--namespace', 'strict'];
    const done = '--for=jsonpath={.status.phase}=Succeeded';
    await cluster.kubectl(...inNamespace, 'wait', done, '--timeout=60s', 'pod/version');
    assert.equal(await cluster.kubectl(...inNamespace, 'logs', 'version'), `tidegate ${version}\n`);
  });
});
