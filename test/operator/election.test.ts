import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { gatewayDocument, guardDocument } from './documents.ts';
import { OperatorProcess, operatorKubeconfig, prepare, SYSTEM } from './operator-process.ts';

/** A killed leader's lease has to run out first. */
const LEASE_MS = 15_000;

describe('two operators', { skip: noControlPlane }, () => {
  it('work one at a time: the second when the first is killed, and at once when it says goodbye', async () => {
    await using cluster = await startControlPlane();
    await prepare(cluster);
    const kubeconfig = await operatorKubeconfig(cluster);
    const start = (name: string) => new OperatorProcess(cluster, kubeconfig, '--identity', name);
    const holder = async () =>
      (
        await cluster.kubectl(
          ...['-n', SYSTEM, 'get', 'lease', 'tidegate-operator'],
          ...['-o', 'jsonpath={.spec.holderIdentity}'],
        )
      ).split('_')[0];
    const made = (name: string) =>
      eventually(async () => void (await cluster.kubectl('get', 'deployment', `${name}-gateway`)));

    const first = start('first');
    await first.logged('reconciling');
    const second = start('second');
    const admin = await second.admin();
    await eventually(async () => assert.equal((await fetch(`${admin}/readyz`)).status, 200));
    await cluster.apply(guardDocument('default', 'main'));
    await cluster.apply(gatewayDocument('default', 'one'));
    await made('one');
    assert.equal(await holder(), 'first');
    assert.match(await (await fetch(`${admin}/metrics`)).text(), /^tidegate_leader 0$/m);

    const killedAt = performance.now();
    await first.end('SIGKILL');
    await cluster.apply(gatewayDocument('default', 'two'));
    await second.logged('reconciling').catch(() => second.logged('reconciling'));
    assert.ok(performance.now() - killedAt > LEASE_MS / 2, 'a lease is not taken from whoever may be alive');
    await made('two');
    assert.equal(await holder(), 'second');
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    assert.match(metrics, /^tidegate_leader 1$/m);
    assert.match(metrics, /^tidegate_watch_age_seconds\{resource="eventgateways\.tidegate\.dev"\} /m);
    assert.match(metrics, /^tidegate_reconcile_total\{result="done"\} [1-9]/m);

    const third = start('third');
    await third.admin();
    const toldAt = performance.now();
    assert.equal(await second.end(), 0);
    await third.logged('reconciling');
    assert.ok(performance.now() - toldAt < LEASE_MS / 2, 'a lease that was given back is free at once');
    assert.equal(await holder(), 'third');
    assert.equal(await third.end(), 0);
    assert.equal(await holder(), '');
  });
});
