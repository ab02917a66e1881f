import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { noControlPlane, noFull, startControlPlane, startFull } from '../support/cluster.ts';
import { within } from '../support/redis/within.ts';

/** What runs on account of this cluster: its folder stands on every command line. */
function processesOf(kubeconfig: string): readonly string[] {
  const state = dirname(kubeconfig);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(state) ? [line.slice(0, 100)] : [];
      } catch {
        return []; // It has just ended.
      }
    });
}

describe('a control plane', { skip: noControlPlane }, () => {
  it('goes on with its data after its API server was killed, and leaves nothing behind', async () => {
    const cluster = await startControlPlane();
    try {
      await cluster.kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
      await cluster.stop('kube-apiserver');
      await assert.rejects(cluster.kubectl('get', 'configmap', 'kept'));
      await cluster.start('kube-apiserver');
      const found = await cluster.request('GET', '/api/v1/namespaces/default/configmaps/kept');
      assert.equal(found.status, 200);
      const audited = await cluster.audit();
      assert.ok(audited.some(({ verb, objectRef }) => verb === 'create' && objectRef?.name === 'kept'));
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
    assert.deepEqual(processesOf(cluster.kubeconfig), []);
    assert.equal(existsSync(dirname(cluster.kubeconfig)), false);
  });

  it('runs beside another one', async () => {
    await using one = await startControlPlane();
    await using other = await startControlPlane();
    await one.kubectl('create', 'namespace', 'mine');
    assert.equal((await other.request('GET', '/api/v1/namespaces/mine')).status, 404);
  });

  it('ends with the process that started it, however that ends', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../support/cluster.ts'));
    const program = `const { startControlPlane } = await import(${module});
      const cluster = await startControlPlane(); console.log(cluster.kubeconfig); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const kubeconfig = await new Promise<string>((resolve, reject) => {
        child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
        child.once('exit', () => reject(new Error('it ended before the cluster was up')));
      });
      assert.ok(processesOf(kubeconfig).length > 0);
      child.kill('SIGKILL');
      await within(15_000, async () => {
        assert.deepEqual(processesOf(kubeconfig), []);
        assert.equal(existsSync(dirname(kubeconfig)), false);
      });
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a control plane with controllers', { skip: noFull }, () => {
  it('runs the pods of a Deployment on a simulated node', async () => {
    await using cluster = await startFull();
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'simulated', annotations: { 'kwok.x-k8s.io/node': 'fake' } },
    });
    await cluster.kubectl('create', 'deployment', 'web', '--image=test.local/web:1', '--replicas=3');
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  });
});
