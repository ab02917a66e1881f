import type { Socket } from 'node:net';
import { LAST_CHUNK, type WireFormat } from './frame.ts';
import type { Protocol, Transport } from './transport.ts';

/**
 * What TLS may have under way before the peer counts as slow. On clear text the kernel takes a write at once or the
 * peer is slow, so the limit there is 0; a TLS record is written asynchronously and always shows for a moment.
 */
const TLS_UNDER_WAY_BYTES = 16_384;

/**
 * HTTP/1.x: pre-framed chunks go straight to the socket (1.6 × the deliveries of `res.write`, measured). Over TLS, and
 * on clear text where `HandleTransport` does not know its way.
 */
export class SocketTransport implements Transport {
  readonly format: WireFormat;
  readonly group = 0;
  /** The head has gone out already. */
  readonly holding = false;
  readonly #socket: Socket;
  readonly #underWayBytesMax: number;

  constructor(socket: Socket, format: WireFormat, encrypted: boolean) {
    this.#socket = socket;
    this.format = format;
    this.#underWayBytesMax = encrypted ? TLS_UNDER_WAY_BYTES : 0;
  }

  flush(): void {}

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** HTTP/1.0 knows no chunks. */
  get protocol(): Protocol {
    return this.format === 'chunked' ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  ready(): boolean {
    return this.#socket.writableLength <= this.#underWayBytesMax;
  }

  end(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    this.#socket.end(this.format === 'chunked' ? Buffer.concat([bytes, LAST_CHUNK]) : bytes);
  }

  abort(): void {
    this.#socket.resetAndDestroy();
  }
}
