/** A peer: better-sse on node:http, one channel, without authorisation. */
import { createServer } from 'node:http';
import { createChannel, createSession } from 'better-sse';
import { listen } from './lines.ts';

const channel = createChannel();
const server = createServer(async (request, response) => {
  channel.register(await createSession(request, response, { keepAlive: null, serializer: String }));
});
listen(server, (data) => void channel.broadcast(data));
