import type { AddressInfo, Server } from 'node:net';
import { UnreachableError } from './coded-error.ts';
import type { ListenAddress } from './listen-address.ts';

/**
 * Connections that wait to be accepted when all clients come back at once; Node's 511 overflow, and whoever is dropped
 * tries again a second later, then three. The kernel takes the least of this and `net.core.somaxconn`.
 */
const BACKLOG = 16_384;

/**
 * Binds the server.
 *
 * @returns the port, which was chosen by the system when the address said 0
 * @throws UnreachableError one clear sentence: which listener, which address, why
 */
export function bind(server: Server, name: string, address: ListenAddress): Promise<number> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error & { code?: string }) => {
      const where = `${host?.includes(':') ? `[${host}]` : (host ?? '*')}:${port}`;
      reject(
        new UnreachableError(
          `the ${name} listener can't bind ${where}: ${REASONS[cause.code ?? ''] ?? cause.code ?? cause.message}`,
          { cause },
        ),
      );
    };
    server.once('error', fail);
    server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', fail);
      const bound: AddressInfo | string | null = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses it',
  EACCES: 'this user may not bind it',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such address',
  EAI_AGAIN: 'the host name can not be looked up',
  ENOTFOUND: 'the host name is not known',
};
