import { randomBytes } from 'node:crypto';
import { MemoryBus } from '../bus/memory-bus.ts';
import { MemoryRevocations } from '../bus/memory-revocations.ts';
import { systemClock as clock, sleep } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import type { Command, Terminal } from '../core/terminal.ts';
import { openState } from '../dev/state.ts';
import { Guards } from '../guard/guards.ts';
import { createAdminApp } from '../http/admin.ts';
import { createAdminServer } from '../http/admin-server.ts';
import { createDevPages } from '../http/dev-pages.ts';
import type { IngestRules } from '../ingest/intake.ts';
import { PublishServer } from '../ingest/publish-server.ts';
import { TcpServer } from '../ingest/tcp-server.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { devBanner } from './dev-banner.ts';
import { DEV_USAGE, type DevOptions, parseDevOptions } from './dev-options.ts';
import { mintFor, publishOne } from './dev-page-parts.ts';
import { aborted } from './ending.ts';
import { followConfigurationFile } from './file-configuration.ts';
import { createGateway } from './gateway-parts.ts';
import { gatewayReadiness, gatewayStatus, watchGateway } from './gateway-status.ts';
import { ingestRules } from './ingest-rules.ts';
import { openTelemetry } from './open-telemetry.ts';
import { socketsMax, startPublicListeners } from './public-listeners.ts';
import { createRevocationsListener } from './revocations-listener.ts';
import { version } from './version.ts';

const { random } = Math;
/** Ctrl-C ends within a second: this much for the streams to be told, the rest for everything else. */
const STREAMS_END_MS = 300;
const TRACES_END_MS = 300;
const STOP_MS = 900;

export const devCommand: Command = {
  summary: 'everything in one process on an in-memory bus, from one YAML file',
  usage: DEV_USAGE,
  async run(args, terminal) {
    const options = parseDevOptions(args);
    const log = createLog(options.logLevel, terminal.err, terminal.isTerminal);
    const dev = await startDev(options, log, terminal.env);
    terminal.out(dev.banner);
    await aborted(terminal.signal);
    await Promise.race([dev.stop(), sleep(clock, STOP_MS)]);
    return 0;
  },
};

/** The whole system on one page: state, configuration, bus, guards, gateway, ingest, admin. */
async function startDev(options: DevOptions, log: ReturnType<typeof createLog>, env: Terminal['env']) {
  const { file, listen } = options;
  const telemetry = await openTelemetry('dev', options.otlpEndpoint, env, log);
  const local = await openState(options.stateDir, clock);
  const metrics = createMetrics({ version });
  const secretsDir = options.secretsDir ?? local.secretsDir;
  const source = await followConfigurationFile(file, secretsDir, metrics, log);
  const configuration = source.current();

  const bus = new MemoryBus({
    clock,
    bounds() {
      const { maxEvents, maxAge, maxBytes } = source.current().gateway.spec.replay;
      return { maxEvents, maxAgeMs: maxAge, maxBytes };
    },
  });
  const revocations = new MemoryRevocations(clock);
  const guards = new Guards({
    clock,
    random,
    log,
    observer: metrics.guard,
    secretsDir,
    tracer: telemetry?.guard,
  });
  await guards.apply(configuration.guards);

  let rules: IngestRules = ingestRules(configuration.gateway.spec);
  const intake = { publisher: bus, clock, observer: metrics.ingest, rules: () => rules };
  const pages = createDevPages({
    mint: mintFor(local.keys, () => source.current(), clock),
    publish: publishOne(intake),
  });
  const pod = randomBytes(6).toString('base64url');
  const gateway = await createGateway({
    configuration,
    guards,
    bus,
    revocations,
    clock,
    random,
    log,
    metrics,
    pod,
    pages,
    secretsDir,
    tracer: telemetry?.http,
  });

  const state = { gateway, guards, bus, revocations };
  watchGateway(metrics, state, configuration.gateway.spec);

  const tcp = new TcpServer(intake);
  const publish = new PublishServer(intake);
  const admin = createAdminServer(
    createAdminApp({
      metrics,
      readiness: () => gatewayReadiness(state, undefined, false),
      status: () => gatewayStatus(state),
    }),
  );
  const revoking = createRevocationsListener(
    { ...source, places: { ...source.places, secretsDir } },
    { guards, store: revocations, clock, log, observer: metrics.revocation },
    local.revocationsTokenFile,
  );
  const listeners = await startPublicListeners(
    gateway.app,
    {
      tls: listen.tls,
      http: listen.http,
      certificate: { certFile: options.tlsCert ?? local.certFile, keyFile: options.tlsKey ?? local.keyFile },
      connectionsMax: socketsMax(configuration),
    },
    clock,
    log,
  );
  source.onChange((next) => {
    rules = ingestRules(next.gateway.spec);
    metrics.stream.paths(next.gateway.spec.streams.map(({ path }) => path));
    gateway.apply(next);
    listeners.limit(socketsMax(next));
  });
  const anyPort = options.anyRevocationsPort ? { host: '127.0.0.1', port: 0 } : undefined;
  const ports = {
    tls: listeners.tlsPort,
    clearText: listeners.httpPort,
    ingest: listen.ingest && (await tcp.start(listen.ingest)),
    publish: listen.publish && (await publish.start(listen.publish)),
    admin: listen.admin && (await admin.start(listen.admin)),
    revocations: await revoking.start(listen.revocations, anyPort),
  };
  return {
    banner: devBanner(ports, {
      ...options,
      configuration,
      certFile: options.tlsCert ?? local.certFile,
      revocationsTokenFile: revoking.credentialFile ?? local.revocationsTokenFile,
    }),
    async stop(): Promise<void> {
      listeners.close();
      await Promise.all([source.stop(), tcp.stop(), publish.stop(), gateway.stop(STREAMS_END_MS)]);
      guards.stop();
      admin.stop();
      await revoking.stop();
      await listeners.stop();
      await telemetry?.stop(TRACES_END_MS);
    },
  };
}
