import Koa, { type Context, type Next } from 'koa';
import type { Log } from '../core/log.ts';
import { ANSWER_CONTENT_TYPE } from '../stream/encode.ts';
import { type AnswerParts, createAnswer } from './answer.ts';
import { allowOrigin, preflight } from './cors.ts';
import { problem, Refusal } from './refusal.ts';
import { type SubscribeParts, subscribe } from './subscribe.ts';
import { isTaken } from './take-over.ts';

export interface AppParts extends SubscribeParts, AnswerParts {
  readonly log: Log;
  /** What else is served, on paths that carry no stream; `dev` has a page. */
  readonly pages?: Koa.Middleware;
}

/** The public listener: streams, answers and what browsers ask before either. */
export function createApp(parts: AppParts): Koa {
  const answer = createAnswer(parts);
  const app = new Koa();
  app.silent = true;
  app.use(quietAfterTakeOver);
  app.use((ctx, next) => refuse(ctx, next, parts));
  app.use(async (ctx, next) => {
    const route = parts.routes().find(ctx.path);
    const isAnswer = ctx.method === 'POST' && mediaType(ctx) === ANSWER_CONTENT_TYPE;
    if (route === undefined && !isAnswer && ctx.method !== 'OPTIONS') return next();
    const { origins } = parts.routes();
    allowOrigin(ctx, origins);
    if (ctx.method === 'OPTIONS') return preflight(ctx, origins);
    if (isAnswer) return answer(ctx, route);
    if (route !== undefined && ctx.method === 'GET') return subscribe(ctx, route, parts);
    if (ctx.method === 'POST') throw new Refusal('unsupported_media_type');
    throw new Refusal('method_not_allowed', { allow: 'GET, POST, OPTIONS' });
  });
  if (parts.pages !== undefined) app.use(parts.pages);
  app.use((ctx) => {
    allowOrigin(ctx, parts.routes().origins);
    throw new Refusal('not_found');
  });
  return app;
}

/** A request that is pipelined behind a stream could never be answered (RFC 9112, 9.3.2). */
async function quietAfterTakeOver(ctx: Context, next: Next): Promise<void> {
  if (isTaken(ctx.req.socket)) {
    ctx.respond = false;
    ctx.req.socket.destroy();
    return;
  }
  await next();
}

/** The one funnel for errors: a refusal is told by its code, anything else is ours and is logged. */
async function refuse(ctx: Context, next: Next, { log, observer }: AppParts): Promise<void> {
  try {
    await next();
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal('internal', {}, error);
    if (refusal.code === 'internal') log.error('request failed', { path: ctx.path, error });
    observer.rejected(refusal.code);
    if (ctx.respond === false) {
      ctx.req.socket.destroy();
      return;
    }
    ctx.status = refusal.status;
    ctx.set(refusal.headers);
    ctx.set('cache-control', 'no-store');
    ctx.body = problem(refusal);
    ctx.type = 'application/problem+json';
    // What is left of a body that was refused is not read.
    if (!ctx.req.complete && ctx.req.httpVersionMajor === 1) ctx.set('connection', 'close');
  }
}

function mediaType(ctx: Context): string {
  return (ctx.req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
