import { createServer, type Server, type Socket } from 'node:net';
import { bind } from '../core/bind.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { LineError } from './line-error.ts';
import { type Reply, writeReply } from './reply.ts';

const CONNECTIONS_MAX = 1024;
const TCP_KEEPALIVE_MS = 30_000;
/** Replies that a producer leaves unread; beyond it, its lines are not read either. */
const UNREAD_REPLIES_BYTES_MAX = 65_536;
const STOP_MS = 3000;
/** `GET / HTTP/1.1`, `PRI * HTTP/2.0`: a web page or a misconfigured client, never a producer. */
const HTTP_REQUEST = /^[A-Z]{3,10} [^ \r\n]+ HTTP\//;
/** A TLS handshake record (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;
const FIRST_LINE_BYTES = 4096;

/** TCP ingest: newline-delimited JSON in, replies out (contract, section 6). */
export class TcpServer {
  readonly #parts: IntakeParts;
  readonly #server: Server;
  readonly #open = new Map<Socket, Intake>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connection', (socket) => {
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

  /** Accepts no more, acknowledges what has been read, closes. */
  async stop(): Promise<void> {
    this.#server.close();
    const { clock } = this.#parts;
    for (const [socket, intake] of this.#open) {
      socket.pause();
      void intake.end().finally(() => socket.end(() => socket.destroy()));
    }
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
    for await (const chunk of socket) {
      const bytes: Buffer = chunk;
      if (head !== undefined) {
        head = Buffer.concat([head, bytes]).subarray(0, FIRST_LINE_BYTES);
        if (head[0] === TLS_HANDSHAKE || HTTP_REQUEST.test(head.toString('latin1'))) return refuse(socket);
        if (head.length >= FIRST_LINE_BYTES || head.includes(10)) head = undefined;
      }
      if (!intake.push(bytes)) break;
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

function refuse(socket: Socket): void {
  const error = new LineError('http_request', 'this port takes newline-delimited JSON, not HTTP or TLS');
  socket.end(writeReply({ error: { code: error.code, message: error.message, line: 1 } }), () =>
    socket.destroy(),
  );
}

function write(socket: Socket, reply: Reply): void {
  if (socket.writable) socket.write(writeReply(reply));
}

async function until(clock: Clock, holds: () => boolean, limitMs: number): Promise<void> {
  const since = clock.monotonicMs();
  while (!holds() && clock.monotonicMs() - since < limitMs) await sleep(clock, 10);
}
