/** The peer: better-sse on node:http, one channel, without authorisation. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createChannel, createSession } from 'better-sse';
import { serve } from './protocol.ts';

const channel = createChannel();
const server = createServer(async (request, response) => {
  channel.register(await createSession(request, response, { keepAlive: null, serializer: String }));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 8192 }, () => {
  const { port } = server.address() as AddressInfo;
  serve({ kind: 'listening', port, path: '/events' }, { publish: (data) => void channel.broadcast(data) });
});
