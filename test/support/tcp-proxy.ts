import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type ReservedPort, reservePort } from './redis/reserved-port.ts';

/** Seen from the proxy: `toTarget` carries what clients say, `toClient` what the target answers. */
export type Direction = 'toTarget' | 'toClient';

const BOTH: readonly Direction[] = ['toTarget', 'toClient'];

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
  /** The target was let go of; what the client still says is dropped. */
  swallowed: boolean;
  /** Whatever is under way in a direction, in order. */
  readonly tail: Record<Direction, Promise<void>>;
}

/** A TCP proxy on loopback that misbehaves on request. */
export class TcpProxy implements AsyncDisposable {
  readonly #reserved: ReservedPort;
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #stalled = new Map<Direction, PromiseWithResolvers<void>>();
  #server: Server | undefined;
  #delayMs = 0;
  #accepted = 0;

  constructor(reserved: ReservedPort, targetPort: number) {
    this.#reserved = reserved;
    this.#targetPort = targetPort;
  }

  get port(): number {
    return this.#reserved.port;
  }

  /** Connections of clients: open now, and ever accepted. */
  get connections(): { readonly open: number; readonly accepted: number } {
    return { open: this.#pairs.size, accepted: this.#accepted };
  }

  /** Resets every connection, on both sides, now. New ones are accepted as before. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      reset(client);
      reset(target);
    }
  }

  /** New connections are refused by the kernel; those that are open stay. */
  async refuse(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    // Its `close` event would wait for the connections, but the port is given back with the call.
    server.close();
  }

  async accept(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Forwards nothing, in both or in one direction: not a byte, no FIN, no RST. Connections are still accepted. */
  stall(...directions: Direction[]): void {
    for (const direction of directions.length === 0 ? BOTH : directions) {
      if (!this.#stalled.has(direction)) this.#stalled.set(direction, Promise.withResolvers());
    }
    for (const pair of this.#pairs) this.#hold(pair);
  }

  /** Ends a stall; what was held back comes now. */
  flow(): void {
    const gates = [...this.#stalled.values()];
    this.#stalled.clear();
    for (const { resolve } of gates) resolve();
    for (const { client, target } of this.#pairs) {
      client.resume();
      target.resume();
    }
  }

  /** From now on every chunk takes this long, each way; 0 ends it. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /**
   * Drops the connections to the target, while the clients' stay open without a sign and whatever they say is swallowed:
   * the half-open connections that a vanished peer leaves behind. New connections are served as usual.
   */
  abandon(): void {
    for (const pair of this.#pairs) {
      pair.swallowed = true;
      reset(pair.target);
      pair.client.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
    this.flow();
    await this.#reserved[Symbol.asyncDispose]();
  }

  #join(client: Socket): void {
    const target = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const tail = { toTarget: Promise.resolve(), toClient: Promise.resolve() };
    const pair: Pair = { client, target, swallowed: false, tail };
    this.#accepted += 1;
    this.#pairs.add(pair);
    client.setNoDelay(true);
    target.setNoDelay(true);
    client.on('close', () => this.#pairs.delete(pair));
    this.#forward(pair, 'toTarget', client, target);
    this.#forward(pair, 'toClient', target, client);
    this.#hold(pair);
  }

  #forward(pair: Pair, direction: Direction, from: Socket, to: Socket): void {
    const inTurn = (act: () => void): void => {
      const delayed = this.#delayMs === 0 ? undefined : elapsed(this.#delayMs);
      pair.tail[direction] = pair.tail[direction].then(async () => {
        await delayed;
        for (let gate = this.#stalled.get(direction); gate; gate = this.#stalled.get(direction))
          await gate.promise;
        if (!pair.swallowed) act();
      });
    };
    // A reset ends in `close`, where it is passed on.
    from.on('error', () => {});
    from.on('data', (chunk: Buffer) => {
      inTurn(() => {
        if (!to.writable || to.write(chunk)) return;
        from.pause();
        to.once('drain', () => {
          if (!this.#stalled.has(direction)) from.resume();
        });
      });
    });
    from.on('end', () => {
      inTurn(() => {
        if (to.writable) to.end();
      });
    });
    from.on('close', () => {
      // An orderly end has been passed on as such; what is left is a reset, or a target that could not be reached.
      if (!from.readableEnded) inTurn(() => reset(to));
    });
  }

  /** Keeps the kernel from being drained; what was read already, and an end, wait at the gate. */
  #hold({ client, target, swallowed }: Pair): void {
    if (swallowed) return;
    if (this.#stalled.has('toTarget')) client.pause();
    if (this.#stalled.has('toClient')) target.pause();
  }
}

/** One whose end is on its way can't be reset any more: its handle would never close. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** A proxy in front of a loopback port, accepting. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new TcpProxy(await reservePort(), targetPort);
  await proxy.accept();
  return proxy;
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
