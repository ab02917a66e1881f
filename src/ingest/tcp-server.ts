import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls';
import { bind } from '../core/bind.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { LineError } from './line-error.ts';
import { type Reply, writeReply } from './reply.ts';
import { type IngestTls, secureContextOptions, tlsServerOptions } from './tls.ts';

const CONNECTIONS_MAX = 1024;
const TCP_KEEPALIVE_MS = 30_000;
/** Replies that a producer leaves unread; beyond it, its lines are not read either. */
const UNREAD_REPLIES_BYTES_MAX = 65_536;
const STOP_MS = 3000;
/** A peer that is being closed has so long to take the last reply; what it still sends is read and dropped. */
const LINGER_MS = 500;
/**
 * `GET /`, `OPTIONS *`, `PRI *`, `POST http://…`: a web page or a misconfigured client, never a producer. The rest of
 * the line is not waited for: a URL may be made as long as one likes.
 */
const HTTP_REQUEST = /^[A-Z]{3,20} (?:\/|\*|https?:)/;
/** As many bytes as it takes to see that: method, space and scheme. */
const HEAD_BYTES = 28;
/** A TLS handshake record (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;

/** TCP ingest: newline-delimited JSON in, replies out (contract, section 6). */
export class TcpServer {
  readonly #parts: IntakeParts;
  readonly #server: Server;
  readonly #open = new Map<Socket, Intake>();

  /** @param tls absent: clear text */
  constructor(parts: IntakeParts, tls?: IngestTls) {
    this.#parts = parts;
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    };
    this.#server =
      tls === undefined
        ? createServer(options)
        : createTlsServer({ ...options, ...tlsServerOptions(tls) }).on('tlsClientError', () => {
            // A failed handshake concerns that client alone, and Node has destroyed its socket.
          });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      const intake = createIntake(socket, parts);
      this.#open.set(socket, intake);
      parts.observer.connections(this.#open.size);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        this.#open.delete(socket);
        parts.observer.connections(this.#open.size);
      });
      void serve(socket, intake, parts.clock);
    });
  }

  /** @returns the port bound. @throws UnreachableError */
  start(address: ListenAddress): Promise<number> {
    return bind(this.#server, 'ingest', address);
  }

  /** New connections get the new certificates; open ones notice nothing. */
  replace(tls: IngestTls): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(secureContextOptions(tls));
  }

  /** Accepts no more, acknowledges what has been read, closes. A line that is not whole is left to the producer. */
  async stop(): Promise<void> {
    this.#server.close();
    const { clock } = this.#parts;
    for (const [socket, intake] of this.#open) void intake.close().then(() => close(socket, clock));
    await until(clock, () => this.#open.size === 0, STOP_MS);
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

function createIntake(socket: Socket, parts: IntakeParts): Intake {
  return new Intake(parts, {
    reply(reply, publication) {
      // Success is silent unless the producer asked for it by a reference.
      if ('error' in reply || publication?.ref !== undefined) write(socket, reply);
    },
  });
}

async function serve(socket: Socket, intake: Intake, clock: Clock): Promise<void> {
  try {
    let head: Buffer | undefined = Buffer.alloc(0);
    // Leaving the loop must not destroy the socket: the last reply is still to go out.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = chunk;
      if (head !== undefined) {
        head = Buffer.concat([head, bytes.subarray(0, HEAD_BYTES)]);
        if (head[0] === TLS_HANDSHAKE || HTTP_REQUEST.test(head.toString('latin1')))
          return refuse(socket, clock);
        if (head.length >= HEAD_BYTES || head.includes(10)) head = undefined;
      }
      if (!intake.push(bytes)) {
        await intake.close();
        return close(socket, clock);
      }
      await intake.room();
      while (socket.writableLength > UNREAD_REPLIES_BYTES_MAX && !socket.destroyed) await sleep(clock, 10);
    }
    await intake.end();
    socket.end();
  } catch {
    // The producer has gone; what it was not told has the outcome it has, and it will repeat what it must.
    socket.destroy();
  }
}

function refuse(socket: Socket, clock: Clock): void {
  const error = new LineError('http_request', 'this port takes newline-delimited JSON, not HTTP or TLS');
  write(socket, { error: { code: error.code, message: error.message, line: 1 } });
  close(socket, clock);
}

/** Closing with bytes unread would reset the connection, and the peer might lose the last reply to that. */
function close(socket: Socket, clock: Clock): void {
  socket.end();
  socket.resume();
  const late = clock.after(LINGER_MS, () => socket.destroy());
  socket.once('close', () => late.cancel());
}

function write(socket: Socket, reply: Reply): void {
  if (socket.writable) socket.write(writeReply(reply));
}

async function until(clock: Clock, holds: () => boolean, limitMs: number): Promise<void> {
  const since = clock.monotonicMs();
  while (!holds() && clock.monotonicMs() - since < limitMs) await sleep(clock, 10);
}
