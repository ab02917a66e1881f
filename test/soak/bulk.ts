import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type Endpoint, LOOPBACK } from '../consistency/client-parts.ts';

/** A path of its own, so that nobody whose history is checked is owed what comes there. */
export const BULK = { path: '/bulk', topic: 'bulk' } as const;
export const BULK_LAG_TIME = '2s';

/** More than the kernel holds for a client that does not read. */
const BURST = { events: 60, characters: 200_000 };
/** The lag time, five seconds for the end to be taken, and some. */
const STALLED_MS = 9_000;
const IO_MS_MAX = 5_000;

/** A client that stops reading while much is sent. @returns whether the gateway let go of it, as it must */
export async function stall(gateway: Endpoint, ingest: Endpoint): Promise<boolean> {
  const socket = connect(gateway.port, LOOPBACK);
  const closed = closing(socket);
  try {
    socket.write(`GET ${BULK.path} HTTP/1.1\r\nhost: soak\r\naccept: text/event-stream\r\n\r\n`);
    await once(socket, 'data', { signal: AbortSignal.timeout(IO_MS_MAX) });
    socket.pause();
    await burst(ingest);
    await wait(STALLED_MS);
    // Only who reads finds out that he was reset.
    socket.resume();
    return await Promise.race([closed.then(() => true), wait(IO_MS_MAX, false, { ref: false })]);
  } catch {
    // There was no stream to be had just now: something else is broken.
    return false;
  } finally {
    socket.destroy();
  }
}

async function burst(ingest: Endpoint): Promise<void> {
  const socket = connect(ingest.port, LOOPBACK);
  const closed = closing(socket);
  const late = setTimeout(() => socket.destroy(), IO_MS_MAX);
  const line = `${JSON.stringify({ topic: BULK.topic, data: '.'.repeat(BURST.characters) })}\n`;
  // All at once: what the ingest does not take in time is kept here.
  socket.end(line.repeat(BURST.events));
  socket.resume();
  await closed;
  clearTimeout(late);
}

/** Resolves when it is gone, by whatever. */
function closing(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
