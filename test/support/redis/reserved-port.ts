import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below what Linux gives to outgoing connections (32768 and up): a client that dials a dead server's port again and
 * again would otherwise sooner or later be given that very port, connect to itself and keep the server from coming back.
 */
const PORTS = { from: 10_000, to: 32_000 } as const;
const TRIES_MAX = 100;

export interface ReservedPort extends AsyncDisposable {
  readonly port: number;
}

/**
 * A free loopback port for a server that may go and come back. It is ours until disposed of, against other runs of these
 * tests too: the claim is an abstract Unix socket, which the kernel drops with the process.
 */
export async function reservePort(): Promise<ReservedPort> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    const claim = await listening({ path: `\0tidegate-test-port-${port}` });
    if (claim === undefined) continue;
    const probe = await listening({ host: '127.0.0.1', port });
    if (probe !== undefined) {
      await closed(probe);
      claim.unref();
      return { port, [Symbol.asyncDispose]: () => closed(claim) };
    }
    await closed(claim);
  }
  throw new Error(`no free port among ${TRIES_MAX} tried between ${PORTS.from} and ${PORTS.to}`);
}

/** @returns `undefined` when somebody else has the address */
async function listening(
  address: { path: string } | { host: string; port: number },
): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(address);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
