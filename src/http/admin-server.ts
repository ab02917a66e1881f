import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type Koa from 'koa';
import { bind } from '../core/bind.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { Certificate } from './tls-listener.ts';

const REQUEST_MS = 10_000;
const HANDSHAKE_MS = 10_000;
/** How often a request that is late is looked for; Node's own 30 s would let it take so much longer. */
const LATE_CHECK_MS = 1_000;
const CONNECTIONS_MAX = 64;
const TLS = { minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS } as const;

/**
 * HTTP/1.1 for short requests: probes and scrapes, revocations.
 *
 * @param name what a fault to bind calls it
 * @param secure over TLS, which needs a certificate before it is started
 */
export function createAdminServer(app: Koa, name = 'admin', secure = false) {
  const limits = {
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: LATE_CHECK_MS,
  };
  const tls = secure ? createTlsServer({ ...limits, ...TLS }, app.callback()) : undefined;
  const server = tls ?? createServer(limits, app.callback());
  server.maxConnections = CONNECTIONS_MAX;
  return {
    /** @returns the port bound. @throws UnreachableError */
    start: (address: ListenAddress): Promise<number> => bind(server, name, address),
    /** For new connections. @throws when the pair does not fit */
    replace(certificate: Certificate): void {
      tls?.setSecureContext({ ...certificate, ...TLS });
    },
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
