import { createServer as createHttp1, type Server as Http1Server } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import type { Clock } from '../core/clock.ts';
import { Http2Sessions } from './http2-sessions.ts';
import type { RefusalCode } from './refusal.ts';
import { answerUnparsed } from './unparsed.ts';

/** Header section, after which 431 (RFC 6585, 5). */
export const HEADER_BYTES_MAX = 16_384;
/** Beyond this an HTTP/2 stream is reset unread; up to it the app can say why it refuses. */
const HEADER_LIST_BYTES_MAX = 65_536;
/** Slow-loris: a request's headers, and its whole, have to be here by then. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
const KEEP_ALIVE_MS = 65_000;
const TIMEOUT_CHECK_MS = 1_000;
const SESSION_IDLE_MS = 65_000;
/** Streams of one HTTP/2 connection, as behind a proxy that multiplexes. */
const SESSION_STREAMS_MAX = 256;
/** Rapid reset (CVE-2023-44487): resets beyond this burst and rate per second end the session. */
const RESET_BURST = 256;
const RESET_RATE = 64;
const SESSION_MEMORY_MIB = 16;

/** The app is told by this event of what was refused before it was a request, with the code. */
export const UNPARSED = 'unparsed';

/** HTTP/1.1 and HTTP/2 for one app, on sockets that a listener has accepted and told apart. */
export interface Protocols {
  http1(socket: Duplex): void;
  http2(socket: Duplex): void;
  /** HTTP/2 clients are told to use another connection (GOAWAY); open streams go on, and HTTP/1.x is as it was. */
  leave(): void;
  /** Idle connections end now, others after their request. */
  close(): void;
}

/** @param sessionIdleMs when an HTTP/2 session without an open stream is let go */
export function createProtocols(app: Koa, clock: Clock, sessionIdleMs = SESSION_IDLE_MS): Protocols {
  const callback = app.callback();
  // What never became a request is the app's to count all the same.
  const http1 = createHttp1Server(callback, (code) => void app.emit(UNPARSED, code));
  const http2 = createHttp2Server(callback);
  const sessions = new Http2Sessions(clock, sessionIdleMs);
  return {
    http1: (socket) => void http1.emit('connection', socket),
    http2(socket) {
      // Node makes the session at once; only here is it known which socket is its own.
      http2.once('session', (session) => sessions.add(session, socket));
      http2.emit('connection', socket);
    },
    leave: () => sessions.leave(),
    close() {
      http1.closeIdleConnections();
      http1.close();
      sessions.close();
    },
  };
}

function createHttp1Server(
  callback: ReturnType<Koa['callback']>,
  refused: (code: RefusalCode) => void,
): Http1Server {
  const server = createHttp1(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      noDelay: true,
      // The app refuses it, in a way that can be read.
      requireHostHeader: false,
    },
    callback,
  );
  answerUnparsed(server, refused);
  // Only `100-continue` is known; any other expectation may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', callback);
  // Node checks those time limits from 'listening' on, but here a listener in front accepts for two protocols.
  // `test/http/limits.test.ts` would notice if that ceased to work.
  server.emit('listening');
  return server;
}

function createHttp2Server(callback: ReturnType<Koa['callback']>): Http2Server {
  const server = createHttp2(
    {
      maxSessionMemory: SESSION_MEMORY_MIB,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESET_RATE,
      settings: {
        maxConcurrentStreams: SESSION_STREAMS_MAX,
        maxHeaderListSize: HEADER_LIST_BYTES_MAX,
        enablePush: false,
      },
    },
    callback,
  );
  server.on('sessionError', () => {});
  return server;
}
