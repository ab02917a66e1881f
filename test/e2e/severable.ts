import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a port that can be cut, as a network is. */
export interface Severable extends AsyncDisposable {
  readonly port: number;
  /** Connections that were made through it so far. */
  readonly count: number;
  /** Whatever is under way is lost, in both directions and without a good-bye. */
  cut(): void;
  /** Ends what is under way; what has been carried still arrives. */
  close(): void;
  /** Where connections go that are made from now on. */
  turnTo(port: number): void;
  /** All that went to the client so far. */
  carried(): string;
}

export async function severableWayTo(port: number): Promise<Severable> {
  const open = new Set<Socket>();
  let count = 0;
  let carried = '';
  let target = port;
  const server = createServer((near) => {
    count += 1;
    const far = connect(target, '127.0.0.1');
    far.on('data', (bytes: Buffer) => {
      carried += bytes.toString('latin1');
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    port: own,
    get count() {
      return count;
    },
    cut,
    close() {
      for (const socket of open) socket.destroy();
    },
    turnTo(next) {
      target = next;
    },
    carried: () => carried,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
