import type { ServerResponse } from 'node:http';
import { constants, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Context } from 'koa';
import type { WireFormat } from '../stream/frame.ts';
import { HANDLES_ARE_KNOWN, HandleTransport } from '../stream/handle-transport.ts';
import { Http2Transport } from '../stream/http2-transport.ts';
import { SocketTransport } from '../stream/socket-transport.ts';
import type { Transport } from '../stream/transport.ts';
import { isSessionsOwn } from './http2-sessions.ts';
import { isReleasable, keepWhenReleased, release } from './release-socket.ts';

/** Sockets of HTTP/1.x that carry a stream: nothing else may be sent or asked on them any more. */
const taken = new WeakSet<object>();

export function isTaken(socket: object): boolean {
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

/** Of every stream, beside what has been set before. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};
const OF_STREAMS = Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

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
  // HTTP/1.0 knows no chunks; nginx speaks it to its upstreams unless told otherwise.
  const format = ctx.req.httpVersion === '1.0' ? 'raw' : 'chunked';
  return {
    transport: isDirect(socket, response)
      ? takeOverSocket(socket, response, format)
      : takeOverResponse(socket, response, format),
    onGone: (listener) => void socket.once('close', keepWhenReleased(listener)),
  };
}

function isDirect(socket: Socket, response: ServerResponse): boolean {
  return HANDLES_ARE_KNOWN && !(socket instanceof TLSSocket) && isReleasable(socket, response);
}

function takeOverResponse(socket: Socket, response: ServerResponse, format: WireFormat): Transport {
  const transport = new SocketTransport(socket, format, socket instanceof TLSSocket);
  response.writeHead(200, { ...HEADERS, connection: 'close' });
  response.flushHeaders();
  return transport;
}

/** Past Node's response altogether: one write for the head and what comes first, and nothing is left of either. */
function takeOverSocket(socket: Socket, response: ServerResponse, format: WireFormat): Transport {
  // The parser is at work on this very request.
  setImmediate(release, socket, response);
  return new HandleTransport(socket, format, headOf(response, format));
}

/** As Node would write it (RFC 9112, 6.1: no chunks to HTTP/1.0). The names and values have been checked by `setHeader`. */
function headOf(response: ServerResponse, format: WireFormat): Buffer {
  let head = `HTTP/1.1 200 OK\r\n${OF_STREAMS}`;
  for (const [name, value] of Object.entries(response.getHeaders())) {
    for (const each of Array.isArray(value) ? value : [value]) head += `${name}: ${each}\r\n`;
  }
  head += `Date: ${date()}\r\nconnection: close\r\n`;
  if (format === 'chunked') head += 'Transfer-Encoding: chunked\r\n';
  return Buffer.from(`${head}\r\n`, 'latin1');
}

let dated = { second: Number.NaN, text: '' };

/** Of this second (RFC 9110, section 6.6.1). */
function date(): string {
  const now = new Date();
  const second = Math.floor(now.getTime() / 1000);
  if (second !== dated.second) dated = { second, text: now.toUTCString() };
  return dated.text;
}

function takeOverHttp2(response: Http2ServerResponse): TakenOver {
  const { stream } = response;
  response.writeHead(200, HEADERS);
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
