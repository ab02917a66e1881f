import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import type { Cluster } from '../support/cluster.ts';

/** A gateway pod without a program: an object with a started container, and somebody at its address. */
export interface FakePod {
  /** From now on its `/status` says so. */
  enforces(guard: string, metadata: { readonly uid: string }, generation: number): void;
  stop(): void;
}

/** Its address is a random one of the host's 16 million loopback addresses, since the port is given. */
export async function createFakePod(
  test: TestContext,
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<FakePod> {
  const ip = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const guards: object[] = [];
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ version: 'test', connections: 7, guards }));
  });
  server.listen(7190, ip);
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  test.after(stop);
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'tidegate-operator',
        'app.kubernetes.io/component': 'gateway',
        'tidegate.dev/gateway': 'events',
      },
    },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'tidegate', image: 'tidegate:test' }] },
  });
  const container = {
    name: 'tidegate',
    image: 'tidegate:test',
    imageID: '',
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: new Date().toISOString() } },
  };
  await cluster.request(
    'PATCH',
    `/api/v1/namespaces/${namespace}/pods/${name}/status`,
    { status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], containerStatuses: [container] } },
    'application/merge-patch+json',
  );
  return {
    enforces(guard, { uid }, generation) {
      guards.splice(0, guards.length, { name: guard, uid, enforcedGeneration: generation, keys: 1 });
    },
    stop,
  };
}
