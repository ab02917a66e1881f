import { randomBytes } from 'node:crypto';
import { BusError } from '../bus/bus-error.ts';
import { RedisControl } from '../bus/redis-control.ts';
import { RedisRevocations } from '../bus/redis-revocations.ts';
import { RedisSubscriber } from '../bus/redis-subscriber.ts';
import type { Configuration } from '../config/configuration.ts';
import { systemClock as clock, sleep } from '../core/clock.ts';
import { InputError, UnreachableError } from '../core/coded-error.ts';
import { createLog, type Log } from '../core/log.ts';
import type { Command, Terminal } from '../core/terminal.ts';
import { Guards } from '../guard/guards.ts';
import { createAdminApp } from '../http/admin.ts';
import { createAdminServer } from '../http/admin-server.ts';
import type { CertificatePaths } from '../http/certificate-files.ts';
import { aborted } from './ending.ts';
import { createGateway, type Gateway } from './gateway-parts.ts';
import { gatewayReadiness, gatewayStatus, watchGateway } from './gateway-status.ts';
import { jwksPlaces } from './jwks-places.ts';
import { openTelemetry, TRACING_FLAG } from './open-telemetry.ts';
import { socketsMax, startPublicListeners } from './public-listeners.ts';
import { openRedisRole } from './redis-role.ts';
import { createRevocationsListener } from './revocations-listener.ts';
import { addressOf, parseServerOptions, SERVER_FLAGS, type ServerOptions } from './server-options.ts';
import { tlsFiles } from './tls-files.ts';

const { random } = Math;
const POD_BYTES = 6;
/** Beyond the window, for streams whose peers are slow to take their end. */
const STREAMS_END_MS = 5000;
const TRACES_END_MS = 2000;
const DRAIN_LOOK_MS = 50;

export const gatewayCommand: Command = {
  summary: 'a stream server: public HTTP, events from Redis, guards',
  usage: `Usage: tidegate gateway FILE | --name NAME [--namespace NAMESPACE] [--listen-tls ADDRESS] [--listen-http ADDRESS] [--listen-admin ADDRESS]
                        [--listen-revocations ADDRESS] [--tls-cert FILE --tls-key FILE] [--secrets-dir DIR] [--log-level LEVEL]

Serves the streams of FILE (one EventGateway with spec.redis, and its JwtGuards; watched). Any number of gateways share
the events that \`tidegate ingest\` puts into the same Redis: a client may resume, and answer its challenge, at any.

  ADDRESS is [HOST:]PORT or off; the defaults are
    --listen-tls     7143             HTTP/2 and HTTP/1.1, when there is a certificate
    --listen-http    7114             HTTP/1.1 and HTTP/2 by prior knowledge, when there is none
    --listen-admin   127.0.0.1:7190   /livez /readyz /metrics /status
    --listen-revocations 7191         POST /revocations /backchannel-logout/GUARD, when there is spec.revocations
  --tls-cert, --tls-key   the certificate, re-read when the files change (default: spec.tls.secretName)
${TRACING_FLAG}${SERVER_FLAGS}
TIDEGATE_JWKS_HOSTS in the environment: hosts that guards may fetch keys from, with commas between (default: any; with
--name never the machine itself, nor a link-local address).

SIGTERM drains: not ready at once, streams go on for drain.lameDuck, then end one by one over drain.window, told to
come back. A second one ends at once.
`,
  async run(args, terminal) {
    const options = parseServerOptions('gateway', ['tls', 'http', 'admin', 'revocations'], args);
    const log = createLog(options.logLevel, terminal.err, terminal.isTerminal);
    const gateway = await startGateway(options, log, terminal);
    await aborted(terminal.signal);
    await gateway.drain();
    return 0;
  },
};

/** Configuration, Redis, guards, streams, listeners, in the order in which they need each other. */
async function startGateway(options: ServerOptions, log: Log, terminal: Terminal) {
  const telemetry = await openTelemetry('gateway', options.otlpEndpoint, terminal.env, log);
  const opened = await openRedisRole('gateway', options, log, terminal);
  const { link, metrics, parts, source } = opened;
  const configuration = source.current();
  const bus = new RedisSubscriber(link, parts);
  const pod = randomBytes(POD_BYTES).toString('base64url');
  const control = new RedisControl(link, parts, pod);
  const revocations = new RedisRevocations(link, parts);
  const guards = new Guards({
    clock,
    random,
    log,
    observer: metrics.guard,
    secretsDir: source.places.configMapsDir,
    tracer: telemetry?.guard,
    jwksPlaces: jwksPlaces(terminal.env, options.from.kind === 'cluster'),
  });
  await Promise.all([opened.connect(), guards.apply(configuration.guards)]);
  const tracer = telemetry?.http;
  const context = {
    configuration,
    guards,
    bus,
    revocations,
    clock,
    random,
    log,
    metrics,
    pod,
    control,
    secretsDir: source.places.secretsDir,
    tracer,
  };
  const gateway = await createGateway(context).catch((error: unknown) => {
    if (!(error instanceof BusError)) throw error;
    throw new UnreachableError(`Redis can not be used: ${link.fault || 'it does not answer'}`, {
      cause: error,
    });
  });
  const state = { gateway, guards, bus, revocations };
  watchGateway(metrics, state, configuration.gateway.spec);

  let leaving = false;
  const admin = createAdminServer(
    createAdminApp({
      metrics,
      readiness: () => gatewayReadiness(state, source.current().gateway.spec.redis, leaving),
      status: () => gatewayStatus(state),
    }),
  );
  const revoking = createRevocationsListener(source, {
    guards,
    store: revocations,
    clock,
    log,
    observer: metrics.revocation,
  });
  const listeners = await startListeners(gateway, configuration, options, log);
  source.onChange((next) => {
    metrics.stream.paths(next.gateway.spec.streams.map(({ path }) => path));
    gateway.apply(next);
    listeners.limit(socketsMax(next));
  });
  const adminAddress = addressOf(options, 'admin', { host: '127.0.0.1', port: 7190 });
  if (adminAddress !== undefined) {
    log.info('listening', { listener: 'admin', port: await admin.start(adminAddress) });
  }
  const byDefault = configuration.gateway.spec.revocations && { host: undefined, port: 7191 };
  const revocationsPort = await revoking.start(addressOf(options, 'revocations', byDefault));
  if (revocationsPort !== undefined) {
    log.info('listening', { listener: 'revocations', port: revocationsPort });
  }
  const watching = opened.followSettings();

  return {
    async drain(): Promise<void> {
      const { lameDuck, window } = source.current().gateway.spec.drain;
      leaving = true;
      log.info('draining', { connections: gateway.hub.status().connections });
      await sleep(clock, lameDuck);
      listeners.leave();
      gateway.hub.drain(window);
      await untilGone(gateway, window + STREAMS_END_MS);
      listeners.close();
      await gateway.stop(STREAMS_END_MS);
      watching.cancel();
      await Promise.all([source.stop(), control.stop(), listeners.stop()]);
      guards.stop();
      bus.stop();
      link.stop();
      await revoking.stop();
      revocations.stop();
      admin.stop();
      await telemetry?.stop(TRACES_END_MS);
      log.info('stopped');
    },
  };
}

async function startListeners(
  gateway: Gateway,
  configuration: Configuration,
  options: ServerOptions,
  log: Log,
) {
  const certificate = tlsFiles(configuration, options);
  const tls = certificate && addressOf(options, 'tls', { host: undefined, port: 7143 });
  if (certificate === undefined && options.listen.tls !== undefined && options.listen.tls !== 'off') {
    throw new InputError(
      '--listen-tls needs a certificate: --tls-cert and --tls-key, or spec.tls.secretName',
    );
  }
  const http = addressOf(options, 'http', tls === undefined ? { host: undefined, port: 7114 } : undefined);
  const none: CertificatePaths = { certFile: '', keyFile: '' };
  const connectionsMax = socketsMax(configuration);
  const listeners = await startPublicListeners(
    gateway.app,
    { tls, http, certificate: certificate ?? none, connectionsMax },
    clock,
    log,
  );
  if (listeners.tlsPort !== undefined) log.info('listening', { listener: 'tls', port: listeners.tlsPort });
  if (listeners.httpPort !== undefined) log.info('listening', { listener: 'http', port: listeners.httpPort });
  return listeners;
}

async function untilGone({ hub }: Gateway, limitMs: number): Promise<void> {
  const sinceMs = clock.monotonicMs();
  while (hub.status().connections > 0 && clock.monotonicMs() - sinceMs < limitMs)
    await sleep(clock, DRAIN_LOOK_MS);
}
