import type { Server, Socket } from 'node:net';

/** Keeps account of a server's sockets, so that they can be ended with it. */
export function track(server: Server, event: 'connection' | 'secureConnection'): { destroy(): void } {
  const open = new Set<Socket>();
  server.on(event, (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    destroy() {
      for (const socket of open) socket.destroy();
    },
  };
}
