/**
 * The clients of the resume bench, one process: N raw sockets that all come back at once with their last event id. It
 * counts marker bytes for each, since parsing what arrives would cost more than sending it.
 */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { MARKER } from './protocol.ts';

export interface ToResumeClient {
  readonly port: number;
  readonly path: string;
  readonly lastEventId: string;
  readonly streams: number;
  /** How many each is owed. */
  readonly events: number;
  /** One token a line; with fewer lines than streams they are shared. */
  readonly tokensFile: string;
}

export type FromResumeClient =
  | { readonly kind: 'prepared' }
  /** Seconds from the first attempt until each stream had all; this process's own CPU time in microseconds. */
  | { readonly kind: 'resumed'; readonly seconds: readonly number[]; readonly microseconds: number };

/** So many attempts under way at once, which the listener's queue holds. */
const OPENING_MAX = 500;
const SOURCES = 4;
const MARKER_BYTE = MARKER.charCodeAt(0);

let began = 0;
process.on('message', async (message: ToResumeClient | { readonly go: true }) => {
  if ('go' in message) return start();
  const { lastEventId, path, tokensFile } = message;
  const requests = (await readFile(tokensFile, 'utf8'))
    .split('\n')
    .map((token) =>
      Buffer.from(
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nlast-event-id: ${lastEventId}\r\nauthorization: Bearer ${token}\r\n\r\n`,
        'latin1',
      ),
    );
  start = () => void resumeAll(message, requests);
  say({ kind: 'prepared' });
});
process.on('disconnect', () => process.exit(0));

let start = (): void => {
  throw new Error('not prepared');
};

async function resumeAll(order: ToResumeClient, requests: readonly Buffer[]): Promise<void> {
  const before = process.cpuUsage();
  began = performance.now();
  const seconds: Promise<number>[] = [];
  const lane = async (): Promise<void> => {
    while (seconds.length < order.streams) {
      const request = requests[seconds.length % requests.length] ?? Buffer.alloc(0);
      const { opened, resumed } = resumeOne(order, request, seconds.length);
      seconds.push(resumed);
      await opened;
    }
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, lane));
  const all = await Promise.all(seconds);
  const { system, user } = process.cpuUsage(before);
  say({ kind: 'resumed', seconds: all, microseconds: user + system });
}

/** `opened` when the response has begun, `resumed` when all that is owed has come. */
function resumeOne({ events, port }: ToResumeClient, request: Buffer, index: number) {
  const opened = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<number>();
  const localAddress = `127.0.0.${2 + (index % SOURCES)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true }, () =>
    socket.write(request),
  );
  const fail = (error: Error): void => {
    opened.reject(error);
    resumed.reject(error);
  };
  let left = events;
  socket.once('error', fail);
  socket.once('close', () => fail(new Error('a stream was closed')));
  socket.once('data', (head: Buffer) => {
    const status = head.toString('latin1', 0, 12);
    if (status === 'HTTP/1.1 200') opened.resolve();
    else fail(new Error(`a stream was refused: ${status}`));
  });
  socket.on('data', (bytes: Buffer) => {
    for (let at = bytes.indexOf(MARKER_BYTE); at !== -1; at = bytes.indexOf(MARKER_BYTE, at + 1)) left--;
    if (left === 0) resumed.resolve((performance.now() - began) / 1000);
    if (left < 0) fail(new Error('a stream got more than it is owed'));
  });
  return { opened: opened.promise, resumed: resumed.promise };
}

function say(message: FromResumeClient): void {
  process.send?.(message);
}
