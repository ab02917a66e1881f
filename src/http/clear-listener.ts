import { createServer, type Server, type Socket } from 'node:net';
import { bind } from '../core/bind.ts';
import type { Clock } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { track } from './connections.ts';
import type { Protocols } from './protocols.ts';

/** Every HTTP/2 connection begins with this (RFC 9113, 3.4); no HTTP/1 method is `PRI`. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const FIRST_BYTE_MS = 10_000;
const TCP_KEEPALIVE_MS = 30_000;

export interface Listener {
  /** @returns the port bound */
  start(address: ListenAddress): Promise<number>;
  /** How many sockets may be open from now on; those that are stay. */
  limit(connectionsMax: number): void;
  /** Accepts no more; what is open goes on. */
  close(): void;
  /** Ends what is still open. */
  destroy(): void;
}

/** Clear text: HTTP/1.1, or HTTP/2 by prior knowledge, told apart by the first bytes. */
export function createClearListener(protocols: Protocols, clock: Clock, connectionsMax: number): Listener {
  const server: Server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  server.maxConnections = connectionsMax;
  const open = track(server, 'connection');
  server.on('connection', (socket) => tellApart(socket, protocols, clock));
  return {
    start: (address) => bind(server, 'clear-text', address),
    limit(next) {
      server.maxConnections = next;
    },
    close: () => void server.close(),
    destroy: open.destroy,
  };
}

function tellApart(socket: Socket, protocols: Protocols, clock: Clock): void {
  const late = clock.after(FIRST_BYTE_MS, () => socket.destroy());
  const quiet = () => socket.destroy();
  socket.on('error', quiet);
  const closed = (): void => late.cancel();
  socket.once('close', closed);
  socket.on('readable', look);
  let before: Buffer | undefined;

  function look(): void {
    const bytes: unknown = socket.read();
    if (!Buffer.isBuffer(bytes)) return;
    const seen = before === undefined ? bytes : Buffer.concat([before, bytes]);
    const alike = beginsAlike(seen);
    if (alike && seen.length < PREFACE.length) {
      before = seen;
      return;
    }
    late.cancel();
    socket.off('readable', look);
    socket.off('error', quiet);
    socket.off('close', closed);
    socket.unshift(seen);
    if (alike) protocols.http2(socket);
    else protocols.http1(socket);
  }
}

/** As far as the shorter of the two goes. Of HTTP/1 mostly the first byte tells. */
function beginsAlike(seen: Buffer): boolean {
  const compared = Math.min(seen.length, PREFACE.length);
  for (let at = 0; at < compared; at++) if (seen[at] !== PREFACE[at]) return false;
  return true;
}
