import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Types of frames (RFC 9113, 6) that hostile tests speak of. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const FLAG = { ACK: 1, END_STREAM: 1, END_HEADERS: 4 } as const;
const HEAD_BYTES = 9;
const INITIAL_WINDOW_SIZE = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An HTTP/2 client of which every frame is written by hand; it answers nothing by itself. */
export class Http2Frames implements Disposable {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** @param windowBytes of every stream to begin with */
  static async connect(port: number, windowBytes = 65_535): Promise<Http2Frames> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    const client = new Http2Frames(socket);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
    const setting = Buffer.alloc(6);
    setting.writeUInt16BE(INITIAL_WINDOW_SIZE);
    setting.writeUInt32BE(windowBytes, 2);
    client.send(FRAME.SETTINGS, 0, 0, setting);
    return client;
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    if (this.socket.writable) this.socket.write(frameOf(type, flags, stream, payload));
  }

  /** GET without a body. */
  get(
    stream: number,
    headers: Readonly<Record<string, string>>,
    flags = FLAG.END_STREAM | FLAG.END_HEADERS,
  ): void {
    const all = { ':method': 'GET', ':scheme': 'http', ':authority': 'localhost', ...headers };
    this.send(FRAME.HEADERS, flags, stream, headerBlock(all));
  }

  count(type: number, stream?: number): number {
    return this.frames.filter((frame) => frame.type === type && (stream ?? frame.stream) === frame.stream)
      .length;
  }

  /** What came as the body of a stream. */
  body(stream: number): string {
    const parts = this.frames.filter((frame) => frame.type === FRAME.DATA && frame.stream === stream);
    return Buffer.concat(parts.map(({ payload }) => payload)).toString();
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    if (this.closed || this.socket.readableEnded) return;
    await new Promise<void>((resolve) => {
      this.socket.once('end', resolve).once('close', resolve);
    });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return;
      this.frames.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5) & 0x7f_ff_ff_ff,
        payload: this.#rest.subarray(HEAD_BYTES, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

export function frameOf(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** All literal, never indexed, without Huffman coding (RFC 7541, 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]),
  );
}

const PREFIX_MAX = 127;

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < PREFIX_MAX) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [PREFIX_MAX];
  for (let rest = bytes.length - PREFIX_MAX; ; rest >>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) return Buffer.concat([Buffer.from(length), bytes]);
  }
}
