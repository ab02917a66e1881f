import { createServer, type TLSSocket } from 'node:tls';
import { bind } from '../core/bind.ts';
import type { Listener } from './clear-listener.ts';
import { track } from './connections.ts';
import type { Protocols } from './protocols.ts';

const HANDSHAKE_MS = 10_000;
const TCP_KEEPALIVE_MS = 30_000;

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** PEM; for listeners that ask clients for a certificate. */
  readonly clientCa?: string;
}

export interface TlsListener extends Listener {
  /** New connections get the new certificate; open ones notice nothing. @throws when the pair does not fit */
  replace(certificate: Certificate): void;
}

/** TLS 1.2 and 1.3; HTTP/2 or HTTP/1.1 as ALPN has it (RFC 7301), HTTP/1.1 for clients without ALPN. */
export function createTlsListener(
  protocols: Protocols,
  certificate: Certificate,
  connectionsMax: number,
): TlsListener {
  const server = createServer({
    ...certificate,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  server.maxConnections = connectionsMax;
  const open = track(server, 'connection');
  // A failed handshake concerns that client alone; its socket is destroyed by Node.
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') protocols.http2(socket);
    else protocols.http1(socket);
  });
  return {
    start: (address) => bind(server, 'TLS', address),
    limit(next) {
      server.maxConnections = next;
    },
    close: () => void server.close(),
    destroy: open.destroy,
    replace: (next) => server.setSecureContext({ ...next, minVersion: 'TLSv1.2' }),
  };
}
