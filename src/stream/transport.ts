import type { WireFormat } from './frame.ts';

export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/**
 * The one thing that is kept of a request once its headers are out. Nothing of Koa's context, request or response
 * may be reachable from it, so that an idle stream costs only its socket and its connection state.
 */
export interface Transport {
  readonly format: WireFormat;
  readonly protocol: Protocol;
  /** The same for all streams of one HTTP/2 connection, which are served together; 0: a connection of its own. */
  readonly group: number;
  /** Hands bytes to the peer in order. Check `ready()` afterwards: writing on regardless would queue on the heap. */
  write(bytes: Buffer): void;
  /** Whether what is written waits for `flush`. */
  readonly holding: boolean;
  /** Sends what has been held since the stream began: its first writes go out with the head, as one. */
  flush(): void;
  /** Whether the peer has taken what was written, but for what TLS or HTTP/2 has under way. */
  ready(): boolean;
  /** Clean end after everything written: these bytes and the last chunk in one write, then FIN; or with END_STREAM. */
  end(bytes: Buffer): void;
  /** Ends at once, without delivering what is queued: RST, or RST_STREAM. */
  abort(): void;
}
