/** The floor of HTTP/2 in Node: node:http2 and nothing else, one write to every stream for each event. */
import { createServer, type Http2Stream, type ServerHttp2Stream } from 'node:http2';
import { listen } from './lines.ts';

const streams = new Set<Http2Stream>();
const server = createServer({ settings: { maxConcurrentStreams: 256 } });
server.on('stream', (stream: ServerHttp2Stream) => {
  // Without it Node looks after every write, by a closure of its own, whether the stream has ended meanwhile.
  stream.respond({ ':status': 200, 'content-type': 'text/event-stream' }, { waitForTrailers: true });
  streams.add(stream);
  stream.once('close', () => streams.delete(stream));
  stream.on('error', () => stream.destroy());
});
listen(server, (data) => {
  const bytes = Buffer.from(`id:1763972000000-0\ndata:${data}\n\n`);
  for (const stream of streams) stream.write(bytes);
});
