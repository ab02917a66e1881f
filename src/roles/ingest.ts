import { RedisPublisher } from '../bus/redis-publisher.ts';
import { systemClock as clock, sleep } from '../core/clock.ts';
import { createLog, type Log } from '../core/log.ts';
import type { Command, Terminal } from '../core/terminal.ts';
import { createAdminApp } from '../http/admin.ts';
import { createAdminServer } from '../http/admin-server.ts';
import { CertificateFiles, type CertificatePaths } from '../http/certificate-files.ts';
import type { IntakeParts } from '../ingest/intake.ts';
import { PublishServer } from '../ingest/publish-server.ts';
import { TcpServer } from '../ingest/tcp-server.ts';
import { aborted } from './ending.ts';
import { ingestRules } from './ingest-rules.ts';
import { publisherSettings } from './publisher-settings.ts';
import { openRedisRole } from './redis-role.ts';
import {
  addressOf,
  type ListenerName,
  parseServerOptions,
  SERVER_FLAGS,
  type ServerOptions,
} from './server-options.ts';
import { ingestTlsFiles } from './tls-files.ts';
import { version } from './version.ts';

export const ingestCommand: Command = {
  summary: 'an ingest server: events by TCP and HTTP, into Redis',
  usage: `Usage: tidegate ingest FILE | --name NAME [--namespace NAMESPACE] [--listen-ingest ADDRESS] [--listen-publish ADDRESS] [--listen-admin ADDRESS]
                       [--secrets-dir DIR] [--log-level LEVEL]

Takes events for the gateways of FILE (one EventGateway with spec.redis; watched) and acknowledges them once Redis
has them. While Redis is away its producers are held back, for ingest.maxStall.

  ADDRESS is [HOST:]PORT or off; the defaults are
    --listen-ingest  7001             newline-delimited JSON over TCP
    --listen-publish 7002             the same by POST /publish
    --listen-admin   127.0.0.1:7190   /livez /readyz /metrics /status
${SERVER_FLAGS}
SIGTERM drains: not ready at once, what has been read is acknowledged, then it ends. A second one ends at once.
`,
  async run(args, terminal) {
    const options = parseServerOptions('ingest', ['ingest', 'publish', 'admin'], args);
    const log = createLog(options.logLevel, terminal.err, terminal.isTerminal);
    const ingest = await startIngest(options, log, terminal);
    await aborted(terminal.signal);
    await ingest.drain();
    return 0;
  },
};

async function startIngest(options: ServerOptions, log: Log, terminal: Terminal) {
  const opened = await openRedisRole('ingest', options, log, terminal);
  const { link, metrics, parts, source } = opened;
  const configuration = source.current();
  const publisher = new RedisPublisher(link, parts, () => publisherSettings(source.current()));
  metrics.bus.watch(publisher);
  await opened.connect();

  let rules = ingestRules(configuration.gateway.spec);
  source.onChange((next) => {
    rules = ingestRules(next.gateway.spec);
  });
  const intake = { publisher, clock, observer: metrics.ingest, rules: () => rules };
  const { certificates, publish, tcp } = await createServers(
    intake,
    ingestTlsFiles(configuration, source.places),
    log,
  );
  let leaving = false;
  const admin = createAdminServer(
    createAdminApp({
      metrics,
      readiness() {
        const health = publisher.health();
        // Producers are better held back at one that waits than refused by none being ready.
        const degraded = health.connected ? [] : [`the log is away: ${health.reason}`];
        return { ready: !leaving, missing: leaving ? ['this process is about to stop'] : [], degraded };
      },
      status: () => ({ version, bus: publisher.health() }),
    }),
  );
  const listen = async (name: ListenerName, server: Startable, host: string | undefined, port: number) => {
    const address = addressOf(options, name, { host, port });
    if (address !== undefined) log.info('listening', { listener: name, port: await server.start(address) });
  };
  await listen('ingest', tcp, undefined, 7001);
  await listen('publish', publish, undefined, 7002);
  await listen('admin', admin, '127.0.0.1', 7190);
  const watching = opened.followSettings();

  return {
    async drain(): Promise<void> {
      leaving = true;
      log.info('draining');
      await sleep(clock, source.current().gateway.spec.drain.lameDuck);
      await Promise.all([tcp.stop(), publish.stop()]);
      watching.cancel();
      await Promise.all([source.stop(), certificates?.stop()]);
      publisher.stop();
      link.stop();
      admin.stop();
      log.info('stopped');
    },
  };
}

/** Both ports, over TLS when the configuration says so; certificates are read again when their files change. */
async function createServers(intake: IntakeParts, paths: CertificatePaths | undefined, log: Log) {
  if (paths === undefined) {
    return { tcp: new TcpServer(intake), publish: new PublishServer(intake), certificates: undefined };
  }
  let servers: { readonly tcp: TcpServer; readonly publish: PublishServer } | undefined;
  const certificates = new CertificateFiles(paths, clock, log, (tls) => {
    servers ??= { tcp: new TcpServer(intake, tls), publish: new PublishServer(intake, tls) };
    servers.tcp.replace(tls);
    servers.publish.replace(tls);
  });
  await certificates.start();
  if (servers === undefined) throw new TypeError('a first certificate makes the servers');
  return { ...servers, certificates };
}

interface Startable {
  start(address: { readonly host: string | undefined; readonly port: number }): Promise<number>;
}
