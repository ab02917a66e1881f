import { createServer } from 'node:http';
import type Koa from 'koa';
import { bind } from '../core/bind.ts';
import type { ListenAddress } from '../core/listen-address.ts';

const REQUEST_MS = 10_000;
const CONNECTIONS_MAX = 64;

/** Plain HTTP/1.1 for short requests: probes and scrapes, revocations. @param name what a fault to bind calls it */
export function createAdminServer(app: Koa, name = 'admin') {
  const server = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS }, app.callback());
  server.maxConnections = CONNECTIONS_MAX;
  return {
    /** @returns the port bound. @throws UnreachableError */
    start: (address: ListenAddress): Promise<number> => bind(server, name, address),
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
