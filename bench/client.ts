/**
 * The load client, a process of its own: opens N streams on raw sockets and counts marker bytes, since parsing what
 * arrives would cost more than sending it. Tells its parent whenever every stream has what it was told to expect.
 */
import { connect, type Socket } from 'node:net';

export type ToClient =
  | { readonly kind: 'open'; readonly port: number; readonly request: string; readonly streams: number }
  | { readonly kind: 'expect'; readonly markers: number };
export type FromClient = { readonly kind: 'opened' } | { readonly kind: 'arrived' };

/** Ends the data of every event, and occurs nowhere else. */
export const MARKER = '~';

const MARKER_BYTE = MARKER.charCodeAt(0);
/** So many connection attempts under way at once. */
const OPENING_MAX = 200;

let counted = 0;
let expected = Number.POSITIVE_INFINITY;

process.on('message', async (message: ToClient) => {
  if (message.kind === 'open') {
    await openAll(message);
    process.send?.({ kind: 'opened' } satisfies FromClient);
    return;
  }
  expected = message.markers;
  report();
});
process.on('disconnect', () => process.exit(0));

async function openAll({ port, request, streams }: Extract<ToClient, { kind: 'open' }>): Promise<void> {
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < streams) {
      started++;
      await openOne(port, request);
    }
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, lane));
}

/** Resolves when the response's headers have arrived. */
function openOne(port: number, request: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(request));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('a stream was closed')));
    socket.once('data', (head: Buffer) => {
      if (head.toString('latin1').startsWith('HTTP/1.1 200')) resolve(socket);
      else reject(new Error(`a stream was refused: ${head.toString('latin1').split('\r\n')[0]}`));
      count(head);
      socket.on('data', count);
    });
  });
}

function count(bytes: Buffer): void {
  for (let at = bytes.indexOf(MARKER_BYTE); at !== -1; at = bytes.indexOf(MARKER_BYTE, at + 1)) counted++;
  report();
}

function report(): void {
  if (counted < expected) return;
  expected = Number.POSITIVE_INFINITY;
  process.send?.({ kind: 'arrived' } satisfies FromClient);
}
