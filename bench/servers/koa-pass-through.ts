/** A peer: what one writes with Koa alone, a PassThrough for a body and a loop over all of them. */
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import Koa from 'koa';
import { listen } from './lines.ts';

const app = new Koa();
// Clients leave; that is no fault of the application.
app.silent = true;
const bodies = new Set<PassThrough>();
let sequence = 0;
app.use((ctx) => {
  const body = new PassThrough();
  bodies.add(body);
  body.once('close', () => bodies.delete(body));
  ctx.type = 'text/event-stream';
  ctx.set('cache-control', 'no-store');
  ctx.body = body;
  ctx.flushHeaders();
});
listen(createServer(app.callback()), (data) => {
  const block = `id:1700000000000-${sequence++}\ndata:${data}\n\n`;
  for (const body of bodies) body.write(block);
});
