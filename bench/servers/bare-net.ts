/** The floor: what any program on Node pays. Bare sockets, bytes made once, no HTTP parsing, no guard, no limits. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { serve } from './protocol.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const sockets: Socket[] = [];
let sequence = 0;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', () => {
    socket.write(HEAD);
    sockets.push(socket);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => {
  const { port } = server.address() as AddressInfo;
  serve(
    { kind: 'listening', port, path: '/events' },
    {
      publish(data) {
        const block = `id:1700000000000-${sequence++}\ndata:${data}\n\n`;
        const chunk = Buffer.from(`${Buffer.byteLength(block).toString(16)}\r\n${block}\r\n`);
        for (const socket of sockets) socket.write(chunk);
      },
    },
  );
});
