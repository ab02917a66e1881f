import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from './until.ts';

/** A producer on a TCP socket of its own. */
export interface Producer extends Disposable {
  readonly socket: Socket;
  /** What it was told so far, a JSON object a line. */
  replies(): readonly { ref?: string; id?: string; error?: { code: string; line: number } }[];
  /** Resolves when that many replies have come. */
  told(count: number): Promise<void>;
  /** Resolves when the server has ended its side, with whether it was a clean end. */
  readonly ended: Promise<boolean>;
}

export async function connectProducer(port: number): Promise<Producer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  let text = '';
  const ended = Promise.withResolvers<boolean>();
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.once('end', () => ended.resolve(true));
  socket.once('error', () => ended.resolve(false));
  socket.once('close', () => ended.resolve(false));
  const replies = (): ReturnType<Producer['replies']> =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return {
    socket,
    replies,
    told: (count) => until(() => replies().length >= count, `${count} replies`),
    ended: ended.promise,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
