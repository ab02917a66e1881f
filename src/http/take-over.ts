import type { ServerResponse } from 'node:http';
import { constants, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Context } from 'koa';
import { Http2Transport } from '../stream/http2-transport.ts';
import { SocketTransport } from '../stream/socket-transport.ts';
import type { Transport } from '../stream/transport.ts';
import { isSessionsOwn } from './http2-sessions.ts';

/** Sockets of HTTP/1.x that carry a stream: nothing else may be sent or asked on them any more. */
const taken = new WeakSet<Socket>();

export function isTaken(socket: Socket): boolean {
  return taken.has(socket);
}

/** Whether the peer has left while its request was judged. */
export function isGone(ctx: Context): boolean {
  const response: ServerResponse | Http2ServerResponse = ctx.res;
  return response instanceof Http2ServerResponse ? response.stream.destroyed : ctx.req.socket.destroyed;
}

/**
 * Whether the answer to an earlier request of this connection has still to go out (RFC 9112, 9.3.2). What is written
 * to the socket now would stand in the middle of that answer, or before it.
 */
export function isPipelined(ctx: Context): boolean {
  const response: ServerResponse | Http2ServerResponse = ctx.res;
  return !(response instanceof Http2ServerResponse) && response.socket === null;
}

/** What is left of a body that was refused is not read: after the answer the peer is told to stop (RFC 9113, 8.1). */
export function leaveUnread(ctx: Context): void {
  const response: ServerResponse | Http2ServerResponse = ctx.res;
  if (response instanceof Http2ServerResponse) {
    const { stream } = response;
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  } else {
    ctx.set('connection', 'close');
  }
}

export interface TakenOver {
  readonly transport: Transport;
  /** Calls `listener` once, when the peer is gone or the end has been taken. */
  onGone(listener: () => void): void;
}

/**
 * The one place where a request leaves Koa: headers go out at once, and from here on there is only the transport.
 *
 * HTTP/1.x connections end with their stream (`connection: close`): a proxy that reused one could send a request
 * into the very moment of its end.
 */
export function takeOver(ctx: Context): TakenOver {
  ctx.respond = false;
  const response: ServerResponse | Http2ServerResponse = ctx.res;
  if (response instanceof Http2ServerResponse) return takeOverHttp2(response);
  const socket = ctx.req.socket;
  taken.add(socket);
  response.writeHead(200, { connection: 'close' });
  response.flushHeaders();
  // HTTP/1.0 knows no chunks; nginx speaks it to its upstreams unless told otherwise.
  const format = ctx.req.httpVersion === '1.0' ? 'raw' : 'chunked';
  return {
    transport: new SocketTransport(socket, format, socket instanceof TLSSocket),
    onGone: (listener) => void socket.once('close', listener),
  };
}

function takeOverHttp2(response: Http2ServerResponse): TakenOver {
  const { stream } = response;
  response.writeHead(200);
  forget(response);
  return {
    transport: new Http2Transport(stream),
    onGone: (listener) => void stream.once('close', listener),
  };
}

/**
 * An HTTP/2 stream keeps its request and response, headers and token among them, and they keep Koa's context, for as
 * long as it is open: 6 KB a stream. Node itself lets go of them like this, when a stream closes.
 */
function forget(response: Http2ServerResponse): void {
  const { req, stream } = response;
  for (const event of ['aborted', 'close', 'drain', 'end', 'error', 'timeout', 'trailers', 'wantTrailers']) {
    for (const listener of stream.rawListeners(event)) {
      if (!isSessionsOwn(listener)) stream.off(event, listener as () => void);
    }
  }
  // A stream's failure ends that stream, of which `close` tells.
  stream.on('error', () => {});
  const kept: readonly unknown[] = [response, req, req.socket];
  for (const key of Object.getOwnPropertySymbols(stream)) {
    if (kept.includes(Reflect.get(stream, key))) Reflect.set(stream, key, undefined);
  }
}
