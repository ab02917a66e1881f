import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock as clock } from '../core/clock.ts';
import { createLog, type Log } from '../core/log.ts';
import type { Command, Terminal } from '../core/terminal.ts';
import { createAdminApp } from '../http/admin.ts';
import { createAdminServer } from '../http/admin-server.ts';
import { ELECTION_TIMES, Election } from '../kube/election.ts';
import { FileCredentials } from '../kube/file-credentials.ts';
import { HttpKubeClient } from '../kube/http-kube-client.ts';
import { podNamespace } from '../kube/in-cluster.ts';
import { typeName } from '../kube/resource-type.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { askPod } from '../operator/ask-pod.ts';
import { Controller } from '../operator/controller.ts';
import { clusterAccess } from '../operator/kube-access.ts';
import { aborted } from './ending.ts';
import { jwksEnv } from './jwks-places.ts';
import { openTelemetry, tracingEnv } from './open-telemetry.ts';
import { OPERATOR_USAGE, type OperatorOptions, parseOperatorOptions } from './operator-options.ts';
import { version } from './version.ts';

const { random } = Math;
/** Makes an operator another one than its predecessor in the same pod. */
const IDENTITY_BYTES = 4;
const TRACES_END_MS = 2000;

export const operatorCommand: Command = {
  summary: 'runs what EventGateways ask for in a Kubernetes cluster',
  usage: OPERATOR_USAGE,
  async run(args, terminal) {
    const options = parseOperatorOptions(args);
    const log = createLog(options.logLevel, terminal.err, terminal.isTerminal);
    const operator = await startOperator(options, log, terminal.env);
    await aborted(terminal.signal);
    await operator.stop();
    return 0;
  },
};

async function startOperator(options: OperatorOptions, log: Log, env: Terminal['env']) {
  const { image, leaseName, watchNamespace } = options;
  const telemetry = await openTelemetry('operator', options.otlpEndpoint, env, log);
  const access = clusterAccess(options.kubeconfig);
  const namespace = options.namespace ?? access.namespace ?? (await podNamespace());
  const identity = `${options.identity ?? hostname()}_${randomBytes(IDENTITY_BYTES).toString('hex')}`;
  const credentials = new FileCredentials(access.settings, clock, log);
  const client = new HttpKubeClient(credentials, clock, `tidegate/${version} (operator)`);
  const metrics = createMetrics({ version });
  const observer = metrics.operator();
  const controller = new Controller(
    {
      ...{ image, watchNamespace, operatorNamespace: namespace, identity },
      gatewayEnv: { ...tracingEnv(options.otlpEndpoint, env), ...jwksEnv(env) },
    },
    { client, ask: askPod, clock, random, log, observer, tracer: telemetry?.operator },
  );
  const { view } = controller;
  const election = new Election(
    { ...ELECTION_TIMES, namespace, name: leaseName, identity },
    (signal) => controller.lead(signal),
    { client, clock, random, log },
  );
  const watches = () =>
    view.reflectors.map(({ type, state, watchAgeSeconds }) => ({
      resource: typeName(type),
      ageSeconds: watchAgeSeconds,
      state,
    }));
  observer.watch(watches);

  let leaving = false;
  const admin = createAdminServer(
    createAdminApp({
      metrics,
      readiness() {
        const missing = [
          ...(leaving ? ['this process is about to stop'] : []),
          ...(view.isSynced ? [] : ['the cluster has not been listed yet']),
        ];
        return { ready: missing.length === 0, missing, degraded: [] };
      },
      status: () => ({ version, leading: election.isLeading, holder: election.holder, watches: watches() }),
    }),
  );
  if (options.admin !== undefined) {
    log.info('listening', { listener: 'admin', port: await admin.start(options.admin) });
  }
  await view.start();
  await election.start();

  return {
    async stop(): Promise<void> {
      leaving = true;
      log.info('stopping');
      await election.stop();
      await view.stop();
      client.close();
      admin.stop();
      await telemetry?.stop(TRACES_END_MS);
      log.info('stopped');
    },
  };
}
