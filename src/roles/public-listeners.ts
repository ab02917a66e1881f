import type { Configuration } from '../config/configuration.ts';
import type { Clock } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { Log } from '../core/log.ts';
import { CertificateFiles, type CertificatePaths } from '../http/certificate-files.ts';
import { createClearListener, type Listener } from '../http/clear-listener.ts';
import { createProtocols } from '../http/protocols.ts';
import { createTlsListener, type TlsListener } from '../http/tls-listener.ts';

export interface PublicListenersOptions {
  readonly tls: ListenAddress | undefined;
  readonly http: ListenAddress | undefined;
  readonly certificate: CertificatePaths;
  /** Sockets of each listener, streams and others. */
  readonly connectionsMax: number;
}

/** The public app over TLS and clear text, one set of protocols and limits for both. */
export async function startPublicListeners(
  app: Parameters<typeof createProtocols>[0],
  { tls, http, certificate, ...options }: PublicListenersOptions,
  clock: Clock,
  log: Log,
) {
  let { connectionsMax } = options;
  const protocols = createProtocols(app, clock);
  const listeners: Listener[] = [];
  let tlsListener: TlsListener | undefined;
  const files = new CertificateFiles(certificate, clock, log, (next) => {
    tlsListener ??= createTlsListener(protocols, next, connectionsMax);
    tlsListener.replace(next);
  });
  const start = async (listener: Listener, address: ListenAddress): Promise<number> => {
    listeners.push(listener);
    return listener.start(address);
  };
  if (tls !== undefined) await files.start();
  const tlsPort = tls && tlsListener ? await start(tlsListener, tls) : undefined;
  const httpPort = http && (await start(createClearListener(protocols, clock, connectionsMax), http));
  return {
    tlsPort,
    httpPort,
    /** Sockets of each listener, from now on. */
    limit(next: number): void {
      connectionsMax = next;
      for (const listener of listeners) listener.limit(next);
    },
    /** HTTP/2 clients are told to use another connection; whoever comes all the same is answered. */
    leave: () => protocols.leave(),
    /** Accepts no more. */
    close(): void {
      for (const listener of listeners) listener.close();
      protocols.close();
    },
    async stop(): Promise<void> {
      await files.stop();
      for (const listener of listeners) listener.destroy();
    },
  };
}

/** Sockets beside the streams: answers, refusals, keep-alive. */
const SOCKETS_BESIDE_STREAMS = 1024;

/** How many sockets a listener takes for so many streams. */
export function socketsMax({ gateway }: Configuration): number {
  return gateway.spec.limits.connections + SOCKETS_BESIDE_STREAMS;
}
