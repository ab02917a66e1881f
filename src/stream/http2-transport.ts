import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Transport } from './transport.ts';

/** One DATA frame of the default size (RFC 9113, 4.2); above it the peer's window is closed or its reading is slow. */
const UNDER_WAY_BYTES_MAX = 16_384;

/** HTTP/2: payloads as DATA frames; a stalled stream blocks itself, not its connection (RFC 9113, 5.2). */
export class Http2Transport implements Transport {
  readonly format = 'raw';
  readonly protocol = 'HTTP/2';
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  write(bytes: Buffer): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  ready(): boolean {
    return this.#stream.writableLength <= UNDER_WAY_BYTES_MAX;
  }

  end(bytes: Buffer): void {
    if (this.#stream.writable) this.#stream.end(bytes);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}
