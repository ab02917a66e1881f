import type { Server, Socket } from 'node:net';
import { keepWhenReleased } from './release-socket.ts';

/** Keeps account of a server's sockets, so that they can be ended with it. */
export function track(server: Server, event: 'connection' | 'secureConnection'): { destroy(): void } {
  const open = new Set<Socket>();
  // One function for all of them: a closure each would stay as long as its stream.
  const closed = keepWhenReleased(function (this: Socket): void {
    open.delete(this);
  });
  server.on(event, (socket: Socket) => {
    open.add(socket);
    socket.once('close', closed);
  });
  return {
    destroy() {
      for (const socket of open) socket.destroy();
    },
  };
}
