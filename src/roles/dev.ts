import { randomBytes } from 'node:crypto';
import { MemoryBus } from '../bus/memory-bus.ts';
import type { Configuration } from '../config/configuration.ts';
import { faultText } from '../config/fault.ts';
import { FileSource } from '../config/file-source.ts';
import { systemClock as clock, sleep } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import type { Command } from '../core/terminal.ts';
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
import { createGateway } from './gateway-parts.ts';
import { ingestRules } from './ingest-rules.ts';
import { startPublicListeners } from './public-listeners.ts';
import { version } from './version.ts';

const { random } = Math;
/** Ctrl-C ends within a second: this much for the streams to be told, the rest for everything else. */
const STREAMS_END_MS = 300;
const STOP_MS = 900;
/** Sockets beside the streams: answers, refusals, keep-alive. */
const SOCKETS_BESIDE_STREAMS = 1024;

export const devCommand: Command = {
  summary: 'everything in one process on an in-memory bus, from one YAML file',
  usage: DEV_USAGE,
  async run(args, terminal) {
    const options = parseDevOptions(args);
    const log = createLog(options.logLevel, terminal.err, terminal.isTerminal);
    const dev = await startDev(options, log);
    terminal.out(dev.banner);
    await ended(terminal.signal);
    await Promise.race([dev.stop(), sleep(clock, STOP_MS)]);
    return 0;
  },
};

/** The whole system on one page: state, configuration, bus, guards, gateway, ingest, admin. */
async function startDev(options: DevOptions, log: ReturnType<typeof createLog>) {
  const { file, listen } = options;
  const state = await openState(options.stateDir, clock);
  const metrics = createMetrics({ version });
  // Only when everything is there to take a change; one that comes before is caught up with.
  let apply: ((next: Configuration) => void) | undefined;
  const source = new FileSource({
    file,
    clock,
    onConfiguration: (next) => apply?.(next),
    observer: {
      reloaded: () => metrics.config.reload('applied'),
      refused(faults) {
        metrics.config.reload('refused');
        log.error('configuration refused, the last good one stays', { faults: faults.map(faultText) });
      },
      missing() {
        metrics.config.reload('missing');
        log.warn('configuration file is missing, the last good one stays', { file });
      },
    },
  });
  await source.start();
  const { configuration } = source;

  const bus = new MemoryBus({
    clock,
    bounds() {
      const { maxEvents, maxAge, maxBytes } = source.configuration.gateway.spec.replay;
      return { maxEvents, maxAgeMs: maxAge, maxBytes };
    },
  });
  const secretsDir = options.secretsDir ?? state.secretsDir;
  const guards = new Guards({ clock, random, log, observer: metrics.guard, secretsDir });
  await guards.apply(configuration.guards);

  let rules: IngestRules = ingestRules(configuration.gateway.spec);
  const intake = { publisher: bus, clock, observer: metrics.ingest, rules: () => rules };
  const pages = createDevPages({
    mint: mintFor(state.keys, () => source.configuration, clock),
    publish: publishOne(intake),
  });
  const pod = randomBytes(6).toString('base64url');
  const gateway = await createGateway({
    configuration,
    guards,
    bus,
    clock,
    random,
    log,
    metrics,
    pod,
    pages,
  });

  metrics.stream.watch(gateway.hub);
  metrics.guard.watch(guards);
  metrics.config.watchBus(() => bus.health());
  metrics.http.onRefused((guard) => metrics.stream.challenge(guard, 'refused'));

  const tcp = new TcpServer(intake);
  const publish = new PublishServer(intake);
  const admin = createAdminServer(
    createAdminApp({
      metrics,
      readiness: () => ({ ready: true, missing: [], degraded: keyless(guards) }),
      status: () => ({ version, ...gateway.hub.status(), guards: guards.status(), bus: bus.health() }),
    }),
  );
  const listeners = await startPublicListeners(
    gateway.app,
    {
      tls: listen.tls,
      http: listen.http,
      certificate: { certFile: options.tlsCert ?? state.certFile, keyFile: options.tlsKey ?? state.keyFile },
      connectionsMax: socketsMax(configuration),
    },
    clock,
    log,
  );
  apply = (next) => {
    rules = ingestRules(next.gateway.spec);
    gateway.apply(next);
    listeners.limit(socketsMax(next));
    log.info('configuration applied', { gateway: next.gateway.name, generation: next.gateway.generation });
  };
  if (source.configuration !== configuration) apply(source.configuration);
  const ports = {
    tls: listeners.tlsPort,
    clearText: listeners.httpPort,
    ingest: listen.ingest && (await tcp.start(listen.ingest)),
    publish: listen.publish && (await publish.start(listen.publish)),
    admin: listen.admin && (await admin.start(listen.admin)),
  };
  return {
    banner: devBanner(ports, { ...options, configuration, certFile: options.tlsCert ?? state.certFile }),
    async stop(): Promise<void> {
      listeners.close();
      await Promise.all([source.stop(), tcp.stop(), publish.stop(), gateway.stop(STREAMS_END_MS)]);
      guards.stop();
      admin.stop();
      await listeners.stop();
    },
  };
}

function socketsMax({ gateway }: Configuration): number {
  return gateway.spec.limits.connections + SOCKETS_BESIDE_STREAMS;
}

function keyless(guards: Guards): readonly string[] {
  return guards
    .status()
    .flatMap(({ keys, name }) => (keys === 0 ? [`guard ${name} has no keys and lets nobody in`] : []));
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
