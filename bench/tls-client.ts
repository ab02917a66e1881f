/** Opens TLS connections with one stream each and holds them: for what an idle one costs the server. A process of its own. */
import { once } from 'node:events';
import { connect } from 'node:tls';

export interface ToTlsClient {
  readonly port: number;
  readonly request: string;
  readonly streams: number;
}

/** So many handshakes under way at once. */
const AT_ONCE = 50;

process.on('message', async ({ port, request, streams }: ToTlsClient) => {
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < streams) {
      const localAddress = `127.0.0.${2 + (started++ % 4)}`;
      const options = { port, host: '127.0.0.1', localAddress, ALPNProtocols: ['http/1.1'] };
      // The certificate was made for this run; nobody's identity is at stake.
      const socket = connect({ ...options, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      socket.write(request);
      const [head] = (await once(socket, 'data')) as [Buffer];
      if (!head.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error('a stream was refused');
      socket.on('data', () => {});
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  process.send?.({});
});
process.on('disconnect', () => process.exit(0));
