import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Transport } from './transport.ts';

/**
 * HTTP/2: payloads as DATA frames. A stream whose window is closed blocks itself, not its connection (RFC 9113, 5.2).
 * What is written to the streams of one connection in one turn of the event loop leaves in one write of its socket.
 */
export class Http2Transport implements Transport {
  readonly format = 'raw';
  readonly protocol = 'HTTP/2';
  /** Frames of one turn go out together as it is. */
  readonly holding = false;
  readonly group: number;
  readonly #stream: ServerHttp2Stream;
  #lastBytes = 0;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    this.group = groupOf(stream.session);
  }

  flush(): void {}

  write(bytes: Buffer): void {
    const stream = this.#stream;
    if (!stream.writable) return;
    this.#lastBytes = bytes.length;
    stream.write(bytes);
  }

  /** The last write is always under way when it has just been made; the one before has to be gone by then. */
  ready(): boolean {
    return this.#stream.writableLength <= this.#lastBytes;
  }

  end(bytes: Buffer): void {
    if (this.#stream.writable) this.#stream.end(bytes);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

const groups = new WeakMap<Http2Session, number>();
let groupsMade = 0;

function groupOf(session: Http2Session | undefined): number {
  if (session === undefined) return 0;
  const known = groups.get(session);
  if (known !== undefined) return known;
  groups.set(session, ++groupsMade);
  return groupsMade;
}
