import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { Deployment } from '../consistency/deployment.ts';
import { History } from '../consistency/history.ts';
import { Load } from '../consistency/load.ts';
import { Issuers } from '../soak/issuers.ts';
import { openStream } from '../support/open-stream.ts';
import { startRedis } from '../support/redis/redis-server.ts';
import { RoleProcess } from '../support/role-process.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { Prometheus } from './prometheus.ts';

/** As a ServiceMonitor would name it. */
export const JOB = 'events-admin';
export const OPERATOR_JOB = 'tidegate-operator';
const CLIENTS = 16;
const EVENTS_PER_SECOND = 80;
const PRODUCERS = 2;

export interface Monitored {
  readonly prometheus: Prometheus;
  readonly deployment: Deployment;
  readonly gateways: readonly { readonly port: number }[];
  /** Of NDJSON by HTTP. */
  readonly publishPort: number;
  /** Redis is away for so long. */
  cutRedis(milliseconds: number): Promise<void>;
  /** A client that comes without a token, and one with an id that nobody gave out. */
  annoy(): Promise<void>;
  /** A guard asks for fresh tokens a little earlier from now on. */
  changeGuard(): Promise<void>;
}

/** Two gateways and an ingest on a real Redis, under load, scraped by a real Prometheus. @param stack ends all of it */
export async function startMonitored(directory: string, stack: AsyncDisposableStack): Promise<Monitored> {
  const random = seededRandom(1);
  const redis = stack.use(await startRedis({ appendonly: false }));
  const proxy = stack.use(await startProxy(redis.port));
  const issuers = stack.use(new Issuers(random));
  await issuers.start();
  const deployment = new Deployment(directory, issuers.keys, {
    guard: (name, answer) => ({ jwks: issuers.jwks(name), challenge: { leadTime: '1s', answer } }),
    gateway: {
      streams: [
        { path: '/main', topics: ['a', 'b'], guardRefs: [{ name: 'main' }] },
        { path: '/group', topics: ['b', 'c', 'rare'], guardRefs: [{ name: 'group' }] },
        { path: '/own', topics: ['own.${sub}'], guardRefs: [{ name: 'main' }] },
      ],
    },
  });
  await deployment.write(`redis://127.0.0.1:${proxy.port}`);
  const ends = { after: (end: () => Promise<void>) => stack.defer(end) };
  const args = [deployment.file, '--secrets-dir', deployment.secretsDir];
  const gateways = [1, 2].map(() => new RoleProcess(ends, 'gateway', args));
  const ingest = new RoleProcess(ends, 'ingest', args);
  const endpoints = await Promise.all(
    gateways.map(async (process, i) => ({ name: `gateway-${i + 1}`, port: await process.port('http') })),
  );
  const ingests = [{ name: 'ingest-1', port: await ingest.port('ingest') }];
  const admins = await Promise.all([...gateways, ingest].map((process) => process.port('admin')));
  const prometheus = stack.use(
    await Prometheus.start({ [JOB]: admins, [OPERATOR_JOB]: [await showOperator(stack)] }),
  );
  const load = stack.use(
    new Load(
      { clients: CLIENTS, producers: PRODUCERS, eventsPerSecond: EVENTS_PER_SECOND },
      {
        history: new History(),
        random,
        gateways: () => endpoints,
        ingests: () => ingests,
        mint: (...token) => deployment.mint(...token),
      },
    ),
  );
  await load.start();
  return {
    prometheus,
    deployment,
    gateways: endpoints,
    publishPort: await ingest.port('publish'),
    async cutRedis(milliseconds) {
      await proxy.refuse();
      proxy.cut();
      await wait(milliseconds);
      await proxy.accept();
    },
    async annoy() {
      const [{ port } = { port: 0 }] = endpoints;
      using _refused = await openStream(port, '/main');
      const now = Date.now();
      const token = deployment.mint({ guard: 'main', subject: 'late', topics: [] }, now, now + 60_000);
      const headers = { authorization: `Bearer ${token}`, 'last-event-id': 'nonsense' };
      using stream = await openStream(port, '/main', headers);
      await stream.next('gap');
    },
    async changeGuard() {
      const text = await readFile(deployment.file, 'utf8');
      await writeFile(deployment.file, text.replace('"leadTime":"1s"', '"leadTime":"1500ms"'));
    },
  };
}

/** The operator's own registry with some work told to it: the operator itself would take a cluster. */
async function showOperator(stack: AsyncDisposableStack): Promise<number> {
  const metrics = createMetrics({ version: 'test' });
  const operator = metrics.operator();
  operator.leading(true);
  operator.watch(() => [{ resource: 'jwtguards.tidegate.dev', ageSeconds: 7 }]);
  const ticking = setInterval(() => {
    operator.waiting('gateways', 1);
    operator.finished('gateways', 'done', 12);
  }, 500);
  stack.defer(() => clearInterval(ticking));
  const server = createServer(async (_request, response) => {
    response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
  return address.port;
}

/** As Grafana does before it asks: every namespace, this gateway, all its pods, and a window of some scrapes. */
export function filledIn(expr: string, window: string): string {
  return expr
    .replaceAll('$job', JOB)
    .replace(/\$(namespace|instance)/g, '.*')
    .replaceAll('$__rate_interval', window);
}
