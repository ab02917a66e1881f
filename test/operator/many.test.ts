import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noFull, startFull } from '../support/cluster.ts';
import { gatewayDocument, guardDocument } from './documents.ts';
import { ACCOUNT, OperatorProcess, operatorKubeconfig, prepare } from './operator-process.ts';

const GATEWAYS = 200;
const NODES = 4;
const LIMIT_MS = 420_000;
const LOOK_MS = 1_000;

describe('many gateways', { skip: noFull }, () => {
  it(`${GATEWAYS} become ready, and then the operator is quiet`, {
    timeout: LIMIT_MS + 60_000,
  }, async (test) => {
    await using cluster = await startFull();
    await prepare(cluster);
    for (let node = 0; node < NODES; node++) await cluster.apply(fakeNode(`node-${node}`));
    const operator = new OperatorProcess(cluster, await operatorKubeconfig(cluster));
    await operator.logged('reconciling');
    const few = { gateway: { replicas: 1 } };
    const items = Array.from({ length: GATEWAYS }, (_, index) => {
      const { spec, ...rest } = gatewayDocument('default', `events-${index}`, few);
      return { ...rest, spec: { ...spec, ingest: { auth: 'None', replicas: 1 } } };
    });
    await cluster.apply(guardDocument('default', 'main'));
    const startedAt = performance.now();
    await cluster.apply({ apiVersion: 'v1', kind: 'List', items }, '--server-side');
    const isReady = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}';
    for (let ready = 0; ready < GATEWAYS; ) {
      assert.ok(performance.now() - startedAt < LIMIT_MS, `${ready} of ${GATEWAYS} are ready`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const printed = await cluster.kubectl('get', 'eventgateways', '-o', `jsonpath=${isReady}`);
      ready = printed.split(' ').filter((status) => status === 'True').length;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const requests = Map.groupBy(
      (await cluster.audit()).filter(({ user }) => user.username === ACCOUNT),
      ({ verb, responseStatus }) =>
        `${verb}${(responseStatus?.code ?? 0) < 400 ? '' : ` ${responseStatus?.code}`}`,
    );
    const counts = [...requests].map(([what, those]) => `${what} ${those.length}`).toSorted();
    test.diagnostic(`${GATEWAYS} gateways ready in ${seconds.toFixed(1)} s; requests: ${counts.join(', ')}`);
    assert.equal(requests.get('patch 409'), undefined);
    assert.equal(await operator.end(), 0);
  });
});

/** One that kwok takes care of. */
function fakeNode(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, annotations: { 'kwok.x-k8s.io/node': 'fake' }, labels: { type: 'kwok' } },
    status: {
      allocatable: { cpu: '1000', memory: '1000Gi', pods: '1000' },
      capacity: { cpu: '1000', memory: '1000Gi', pods: '1000' },
    },
  };
}
