import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type ClusterNode, noNode, startNode } from '../support/cluster.ts';
import { RECIPE } from '../support/cluster-needs.ts';
import { folderOf, traces } from '../support/node-traces.ts';
import { within } from '../support/redis/within.ts';

describe('a node', { skip: noNode, timeout: 300_000 }, () => {
  it('runs pods, answers names, outlives its API server, and leaves nothing behind', async () => {
    const node = await startNode();
    const folder = folderOf(node);
    assert.notDeepEqual(traces(folder)['groups'], []);
    try {
      await loadImage(node);
      await node.apply(DEPLOYMENT);
      await node.kubectl('rollout', 'status', 'deployment/paused', '--timeout=60s');
      const pods = await node.kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}');
      assert.equal(new Set(pods.split(' ')).size, 2);
      const name = 'kubernetes.default.svc.cluster.local';
      assert.match(await node.run([process.execPath, '-e', lookUp(name)]), /^10\.96\.0\.1\s*$/);
      await assert.rejects(node.run([process.execPath, '-e', lookUp('example.com')]), /ENOTFOUND/);

      await node.stop('kube-apiserver');
      await assert.rejects(node.kubectl('get', 'nodes'));
      await node.start('kube-apiserver');
      await within(60_000, async () => {
        const ready = await node.kubectl(
          'get',
          'deployment',
          'paused',
          '-o',
          'jsonpath={.status.readyReplicas}',
        );
        assert.equal(ready, '2');
      });
    } finally {
      await node[Symbol.asyncDispose]();
    }
    assert.deepEqual(traces(folder), { mounts: [], groups: [] });
    await assert.rejects(readdir(dirname(node.kubeconfig)), { code: 'ENOENT' });
  });

  it('runs beside another one', async () => {
    await using one = await startNode();
    await using other = await startNode();
    await one.kubectl('create', 'namespace', 'mine');
    assert.equal((await other.request('GET', '/api/v1/namespaces/mine')).status, 404);
  });
});

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'paused' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'paused' } },
    template: {
      metadata: { labels: { app: 'paused' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'pause',
            image: 'test.local/paused:1',
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    },
  },
};

async function loadImage(node: ClusterNode): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-image-'));
  try {
    const root = join(directory, 'root');
    const archive = join(directory, 'image.tar');
    await mkdir(root);
    await cp(join(node.bin, 'pause'), join(root, 'pause'));
    await promisify(execFile)(join(RECIPE, 'mkimage.sh'), [
      'test.local/paused:1',
      root,
      archive,
      '["/pause"]',
    ]);
    await node.load(archive);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The node's own name server, which is not the machine's. */
function lookUp(name: string): string {
  return `const dns = require('node:dns/promises'); const r = new dns.Resolver(); r.setServers(['10.77.0.53']);
    r.resolve4('${name}').then(([ip]) => console.log(ip));`;
}
