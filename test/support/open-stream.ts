import { connect, type Socket } from 'node:net';
import { createParser } from 'eventsource-parser';

export interface Message {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** One stream over a raw HTTP/1.1 socket: what came, byte for byte and parsed, and how it ended. */
export interface OpenStream extends Disposable {
  readonly socket: Socket;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body so far, chunks taken apart. */
  body(): string;
  readonly messages: readonly Message[];
  /** Resolves with the first message (or the next ones) of this type; rejects after thirty seconds. */
  next(type: string, count?: number): Promise<Message>;
  /** Resolves when the server has ended the connection; says whether the last chunk came. */
  readonly ended: Promise<{ readonly clean: boolean; readonly at: number }>;
}

const WAIT_MS = 30_000;

/** @param request header lines beside the request line and Host */
export async function openStream(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const socket = connect({ port, host: '127.0.0.1' });
  const lines = Object.entries({ host: 'localhost', accept: 'text/event-stream', ...headers });
  socket.write(
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  let raw = Buffer.alloc(0);
  let body = '';
  let clean = false;
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      messages.push({ id, event, data });
      for (const look of waiting) look();
    },
  });
  const head = Promise.withResolvers<string>();
  let headDone = false;
  const ended = Promise.withResolvers<{ clean: boolean; at: number }>();
  socket.on('error', () => {});
  socket.on('close', () => {
    head.reject(new Error('the connection was closed before the headers'));
    ended.resolve({ clean, at: Date.now() });
  });
  socket.on('data', (bytes: Buffer) => {
    raw = Buffer.concat([raw, bytes]);
    if (!headDone) {
      const end = raw.indexOf('\r\n\r\n');
      if (end < 0) return;
      headDone = true;
      head.resolve(raw.subarray(0, end).toString('latin1'));
      raw = raw.subarray(end + 4);
    }
    takeChunks();
  });

  const text = await head.promise;
  const [statusLine = '', ...rest] = text.split('\r\n');
  return {
    socket,
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(
      rest.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
    ),
    body: () => body,
    messages,
    next: (type, count = 1) => next(type, count),
    ended: ended.promise,
    [Symbol.dispose]: () => void socket.destroy(),
  };

  function takeChunks(): void {
    for (;;) {
      const line = raw.indexOf('\r\n');
      if (line < 0) return;
      const length = Number.parseInt(raw.subarray(0, line).toString('latin1'), 16);
      if (raw.length < line + 2 + length + 2) return;
      const chunk = raw.subarray(line + 2, line + 2 + length).toString('utf8');
      raw = raw.subarray(line + 2 + length + 2);
      if (length === 0) {
        clean = true;
        return;
      }
      body += chunk;
      parser.feed(chunk);
    }
  }

  function next(type: string, count: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`no ${type} within ${WAIT_MS} ms; the stream so far: ${JSON.stringify(body)}`));
      }, WAIT_MS);
      const look = (): void => {
        const found = messages.filter(({ event }) => (event ?? 'message') === type)[count - 1];
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }
}
