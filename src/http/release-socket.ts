import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { forgetAnswer } from './latest-answer.ts';

/** Of Node's HTTP server; there is no public way to have a socket back from it but an upgrade (docs/decisions/0007). */
interface Parser {
  /** What is read goes to the socket again. */
  unconsume(): void;
  /** The server's time limits concern it no longer. */
  remove(): void;
  close(): void;
}

const METHODS = ['unconsume', 'remove', 'close'] as const;
const EVENTS = ['data', 'end', 'close', 'error', 'drain', 'timeout', 'resume', 'pause'] as const;

/** Listeners that are not the HTTP server's. */
const kept = new WeakSet<object>();

/** The listener stays when a socket is released. @returns it */
export function keepWhenReleased<Listener extends (...args: never[]) => void>(listener: Listener): Listener {
  kept.add(listener);
  return listener;
}

export function isReleasable(socket: Socket, response: ServerResponse): boolean {
  return parserOf(socket) !== undefined && 'detachSocket' in response && response.socket === socket;
}

/**
 * Takes the socket away from Node's HTTP server, as that itself does at an upgrade: parser, request, response and
 * whatever hangs on their listeners can go, which is most of what an idle stream would cost. From here on whoever
 * sends anything is cut off, and a peer's FIN ends the connection.
 *
 * Not to be called while the parser is at work, so not in the turn in which a request has come.
 */
export function release(socket: Socket, response: ServerResponse): void {
  const parser = parserOf(socket);
  if (parser === undefined || socket.destroyed) return;
  parser.unconsume();
  parser.remove();
  parser.close();
  Object.assign(socket, { parser: null });
  response.detachSocket(socket);
  forgetAnswer(socket);
  for (const event of EVENTS) {
    for (const listener of socket.listeners(event)) {
      // Node's server adds bound functions and its own, `net` one that ends what the peer has ended.
      if (!kept.has(listener) && listener.name !== 'onReadableStreamEnd')
        Reflect.apply(socket.off, socket, [event, listener]);
    }
  }
  socket.on('error', destroyed);
  socket.on('data', unasked);
}

function parserOf(socket: object): Parser | undefined {
  const parser: unknown = Reflect.get(socket, 'parser');
  return isParser(parser) ? parser : undefined;
}

function isParser(parser: unknown): parser is Parser {
  if (typeof parser !== 'object' || parser === null) return false;
  return METHODS.every((method) => typeof Reflect.get(parser, method) === 'function');
}

function destroyed(this: Socket): void {
  this.destroy();
}

/** Empty lines between requests are to be ignored (RFC 9112, 2.2); anything else could never be answered (9.3.2). */
function unasked(this: Socket, bytes: Buffer): void {
  for (const byte of bytes) if (byte !== 13 && byte !== 10) return void this.destroy();
}
