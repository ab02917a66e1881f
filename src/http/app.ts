import Koa, { type Context, type Next } from 'koa';
import type { Log } from '../core/log.ts';
import { ANSWER_CONTENT_TYPE } from '../stream/encode.ts';
import { type AnswerParts, createAnswer } from './answer.ts';
import { guardOf } from './authenticate.ts';
import { allowOrigin, preflight } from './cors.ts';
import { HEADER_BYTES_MAX, UNPARSED } from './protocols.ts';
import { problem, Refusal, type RefusalCode } from './refusal.ts';
import { type SubscribeParts, subscribe } from './subscribe.ts';
import { isGone, isTaken, leaveUnread } from './take-over.ts';
import { type HttpTracer, traced } from './tracer.ts';

export interface AppParts extends SubscribeParts, AnswerParts {
  readonly log: Log;
  /** What else is served, on paths that carry no stream; `dev` has a page. */
  readonly pages?: Koa.Middleware;
  /** Absent: nothing is traced. */
  readonly tracer?: HttpTracer | undefined;
}

/** The public listener: streams, answers and what browsers ask before either. */
export function createApp(parts: AppParts): Koa {
  const answer = createAnswer(parts);
  const app = new Koa();
  app.silent = true;
  app.on(UNPARSED, (code: RefusalCode) => parts.observer.rejected(code));
  app.use(quietAfterTakeOver);
  app.use((ctx, next) => refuse(ctx, next, parts));
  app.use(async (ctx, next) => {
    const { origins } = parts.routes();
    refuseMalformed(ctx, origins);
    const route = parts.routes().find(ctx.path);
    const isAnswer = ctx.method === 'POST' && mediaType(ctx) === ANSWER_CONTENT_TYPE;
    if (route === undefined && !isAnswer) return next();
    allowOrigin(ctx, origins);
    if (ctx.method === 'OPTIONS') return preflight(ctx, origins);
    if (isAnswer) return traced(parts.tracer, 'answer', ctx, route, () => answer(ctx, route));
    if (route !== undefined && ctx.method === 'GET') {
      return traced(parts.tracer, 'subscribe', ctx, route, () => subscribe(ctx, route, parts));
    }
    if (ctx.method === 'POST') throw new Refusal('unsupported_media_type');
    throw new Refusal('method_not_allowed', { allow: 'GET, POST, OPTIONS' });
  });
  if (parts.pages !== undefined) app.use(parts.pages);
  app.use((ctx) => {
    const { origins } = parts.routes();
    allowOrigin(ctx, origins);
    // Any path may be answered on, so any path may be asked about.
    if (ctx.method === 'OPTIONS') return preflight(ctx, origins);
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
    // Whoever left in the middle of a request has nothing to be told, and nothing of ours has failed.
    if (!(error instanceof Refusal) && isGone(ctx)) {
      ctx.respond = false;
      return;
    }
    const refusal = error instanceof Refusal ? error : new Refusal('internal', {}, error);
    tell(log, refusal, guardOf(ctx));
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
    if (!ctx.req.complete) leaveUnread(ctx);
  }
}

/** By the guard's name and the code, nothing of the request: its path too may hold what is nobody's business. */
function tell(log: Log, refusal: Refusal, guard: string | undefined): void {
  const { cause, code, status } = refusal;
  if (code === 'internal') return log.error('request failed', { error: cause });
  const fields = guard === undefined ? { code } : { guard, code };
  log[status === 401 || status === 403 ? 'info' : 'debug']('request refused', fields);
}

/**
 * What a parser lets through and no stream should see. Who asked can still read why.
 *
 * @throws Refusal 400 `bad_request`: no `Host` (RFC 9112, 3.2), or a target that is no URL, such as `http://[`
 * @throws Refusal 431 `headers_too_large`, of HTTP/2; HTTP/1's parser has refused it already
 */
function refuseMalformed(ctx: Context, origins: readonly string[]): void {
  const { headers, httpVersion, rawHeaders } = ctx.req;
  const hostless = httpVersion === '1.1' && headers.host === undefined;
  const bytes = rawHeaders.reduce((sum, text) => sum + text.length, 0);
  const code =
    bytes > HEADER_BYTES_MAX ? 'headers_too_large' : hostless || !hasUrl(ctx) ? 'bad_request' : undefined;
  if (code === undefined) return;
  allowOrigin(ctx, origins);
  throw new Refusal(code);
}

function hasUrl(ctx: Context): boolean {
  try {
    return ctx.path !== undefined;
  } catch {
    return false;
  }
}

function mediaType(ctx: Context): string {
  return (ctx.req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
