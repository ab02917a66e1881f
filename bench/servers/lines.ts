/** The publishing port of a peer in Node: each line is an event's data. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';

/** Starts `server` and the publishing port on free ports, and says which on standard output. */
export function listen(server: Server, publish: (data: string) => void): void {
  const producers = createServer((socket) => {
    createInterface({ input: socket }).on('line', publish);
    socket.on('error', () => socket.destroy());
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => {
    producers.listen({ port: 0, host: '127.0.0.1' }, () => {
      const { port } = server.address() as AddressInfo;
      const { port: publishPort } = producers.address() as AddressInfo;
      process.stdout.write(`${JSON.stringify({ port, publishPort })}\n`);
    });
  });
}
