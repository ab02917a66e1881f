import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';

export interface TinyServerOptions {
  /** What a stream is answered first; default: a head and nothing else. */
  readonly head?: string;
  /** Writes an event to one stream; default: at once. */
  readonly send?: (stream: Socket, data: string) => void;
  /** Called for every line that is published. */
  readonly published?: () => void;
  /** What a producer is answered for a line. */
  readonly answer?: string;
}

/** The least that the load client can be pointed at: streams on one port, lines to publish on another. */
export class TinyServer implements AsyncDisposable {
  readonly #streams = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #head: string;
  readonly #send: NonNullable<TinyServerOptions['send']>;
  readonly #published: () => void;
  readonly #answer: string | undefined;
  readonly #public = createServer((socket) => this.#open(socket));
  readonly #producers = createServer((socket) => this.#produce(socket));

  private constructor({ answer, head = HEAD, published = () => {}, send = block }: TinyServerOptions) {
    this.#head = head;
    this.#send = send;
    this.#published = published;
    this.#answer = answer;
  }

  static async start(options: TinyServerOptions = {}): Promise<TinyServer> {
    const server = new TinyServer(options);
    for (const each of [server.#public, server.#producers]) {
      await once(each.listen({ port: 0, host: '127.0.0.1' }), 'listening');
    }
    return server;
  }

  get port(): number {
    return portOf(this.#public.address());
  }

  get publishPort(): number {
    return portOf(this.#producers.address());
  }

  /** Every stream is sent its last bytes, and ends. */
  end(bytes: string): void {
    for (const stream of this.#streams) stream.end(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const each of [this.#public, this.#producers]) await once(each.close(), 'close');
  }

  #open(socket: Socket): void {
    this.#keep(socket);
    socket.once('data', () => {
      socket.write(this.#head);
      this.#streams.add(socket);
    });
  }

  #produce(socket: Socket): void {
    this.#keep(socket);
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        for (const stream of this.#streams) this.#send(stream, line);
        this.#published();
        if (this.#answer !== undefined) socket.write(this.#answer);
      }
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay().on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#streams.delete(socket);
    });
  }
}

export function block(stream: Socket, data: string): void {
  stream.write(`data:${data}\n\n`);
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new TypeError('it listens on no port');
  return address.port;
}
