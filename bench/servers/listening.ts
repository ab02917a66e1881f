import { createConnection } from 'node:net';
import type { ServerProcess } from './server.ts';

const STARTING_MS_MAX = 15_000;
const PAUSE_MS = 20;

/** Resolves when `port` takes connections; a server that does not come to it is ended. */
export async function listening(port: number, process: ServerProcess): Promise<void> {
  const deadline = Date.now() + STARTING_MS_MAX;
  while (!(await takesConnections(port))) {
    if (process.child.exitCode !== null || Date.now() > deadline) {
      await process[Symbol.asyncDispose]();
      throw new Error(`${process.child.spawnfile} does not listen`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
