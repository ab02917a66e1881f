import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.ts';

/** How long the peer has to close after GOAWAY when nothing is open any more. */
const GOAWAY_TAKEN_MS = 5_000;

/** HTTP/2 connections, until each is let go. */
export class Http2Sessions {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #open = new Set<{ readonly session: ServerHttp2Session; served: boolean }>();
  #leaving = false;

  /** @param idleMs when a session without an open stream is let go, whatever comes on it: PINGs, or headers without end */
  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    this.#idleMs = idleMs;
  }

  add(session: ServerHttp2Session, socket: Duplex): void {
    const clock = this.#clock;
    const entry = { session, served: false };
    this.#open.add(entry);
    let streams = 0;
    let timer: Timer = clock.after(this.#idleMs, letGo);
    const closed = () => {
      streams--;
      if (streams > 0) return;
      timer.cancel();
      if (this.#leaving) letGo();
      else timer = clock.after(this.#idleMs, letGo);
    };
    sessionsOwn.add(closed);
    session.on('stream', (stream: ServerHttp2Stream) => {
      streams++;
      entry.served = true;
      timer.cancel();
      stream.on('close', closed);
    });
    // A session's failure ends its streams, each of which is told; there is nobody else to tell.
    session.on('error', () => session.destroy());
    socket.once('close', () => {
      timer.cancel();
      this.#open.delete(entry);
    });

    function letGo(): void {
      session.close();
      // The peer may never close, nor read what would have to be read before.
      timer = clock.after(GOAWAY_TAKEN_MS, () => socket.destroy());
    }
  }

  /** GOAWAY: streams go on, requests are to be sent over other connections. One that comes now goes after its first. */
  leave(): void {
    this.#leaving = true;
    // A client that has only just connected is still to be answered, if only that it should come back.
    for (const { session, served } of this.#open) if (served) session.close();
  }

  /** All are told to go, whether they have asked for anything or not. */
  close(): void {
    this.#leaving = true;
    for (const { session } of this.#open) session.close();
  }
}

const sessionsOwn = new WeakSet<object>();

/** Whether a listener on a stream counts it as open, and so has to stay. */
export function isSessionsOwn(listener: object): boolean {
  return sessionsOwn.has(listener);
}
