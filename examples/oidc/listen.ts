import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

export interface Listening extends AsyncDisposable {
  readonly origin: string;
}

/** @param port on loopback; 0: a free one */
export async function listen(port: number, listener: RequestListener): Promise<Listening> {
  const server = createServer(listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a server on a port has one');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
