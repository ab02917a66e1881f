import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { FULL, gatewayDocument, guardDocument } from './documents.ts';
import { HTTP_ROUTES } from './foreign-definitions.ts';
import { ACCOUNT, OperatorProcess, operatorKubeconfig, prepare } from './operator-process.ts';

/** A type that is not there is looked for every 10 to 30 s. */
const LOOKS_MAX = 5;

describe('an operator that begins anew', { skip: noControlPlane }, () => {
  it('changes nothing, tells nothing twice, and finds an API that has come meanwhile', async () => {
    await using cluster = await startControlPlane();
    await prepare(cluster);
    const kubeconfig = await operatorKubeconfig(cluster);
    const degraded = async () =>
      cluster.kubectl(
        ...['get', 'eventgateway', 'events'],
        ...['-o', 'jsonpath={.status.conditions[?(@.type=="Degraded")].reason}'],
      );
    const versions = async () =>
      cluster.kubectl(
        ...['get', 'deployments,services,roles,networkpolicies,hpa,eventgateways,jwtguards'],
        ...[
          '-o',
          'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
        ],
      );
    const told = async () =>
      (await cluster.kubectl('get', 'events.events.k8s.io', '-o', 'name')).split('\n').length;

    const first = new OperatorProcess(cluster, kubeconfig);
    await first.logged('reconciling');
    await cluster.apply(guardDocument('default', 'main'));
    await cluster.apply(gatewayDocument('default', 'events', FULL));
    await eventually(async () => {
      assert.equal(await degraded(), 'ApiMissing');
      const scaledBy = 'jsonpath={.metadata.annotations.tidegate\\.dev/scaled-by}';
      assert.equal(
        await cluster.kubectl('get', 'deployment', 'events-gateway', '-o', scaledBy),
        'autoscaler',
      );
    });
    assert.equal(await first.end(), 0);
    const [before, events] = [await versions(), await told()];

    const second = new OperatorProcess(cluster, kubeconfig);
    await second.logged('reconciling');
    const isDone = async () => {
      const admin = await second.admin();
      assert.match(
        await (await fetch(`${admin}/metrics`)).text(),
        /^tidegate_reconcile_total\{result="done"\} [2-9]/m,
      );
    };
    await eventually(isDone);
    assert.equal(await versions(), before);
    assert.equal(await told(), events);

    await cluster.apply(HTTP_ROUTES);
    for (let looks = 1; (await degraded()) !== 'AsExpected'; looks++) {
      assert.ok(looks <= LOOKS_MAX, second.err);
      await eventually(async () => assert.equal(await degraded(), 'AsExpected')).catch((error: unknown) => {
        if (looks === LOOKS_MAX) throw error;
      });
    }
    await cluster.kubectl('get', 'httproute', 'events-gateway');
    assert.deepEqual(
      (await cluster.audit()).filter(
        ({ user, responseStatus }) => user.username === ACCOUNT && responseStatus?.code === 403,
      ),
      [],
    );
    assert.equal(await second.end(), 0);
  });
});
