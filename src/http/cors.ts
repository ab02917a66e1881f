import type { Context } from 'koa';
import { Refusal } from './refusal.ts';

/** Two hours: Chromium's limit. */
const PREFLIGHT_AGE_S = 7200;
const ALLOWED_HEADERS = 'authorization, content-type, challenge-id, last-event-id';

/** Fetch standard, CORS: on every response, refusals too, so that a page can read why. */
export function allowOrigin(ctx: Context, origins: readonly string[]): void {
  ctx.set('access-control-expose-headers', 'www-authenticate, retry-after');
  if (origins.includes('*')) {
    ctx.set('access-control-allow-origin', '*');
    return;
  }
  ctx.vary('origin');
  const origin = ctx.get('origin');
  if (!origins.includes(origin)) return;
  ctx.set('access-control-allow-origin', origin);
  ctx.set('access-control-allow-credentials', 'true');
}

/** What a page may send: a stream's request or an answer. */
export function preflight(ctx: Context, origins: readonly string[]): void {
  const origin = ctx.get('origin');
  if (!origins.includes('*') && origin !== '' && !origins.includes(origin))
    throw new Refusal('foreign_origin');
  ctx.set('access-control-allow-methods', 'GET, POST');
  ctx.set('access-control-allow-headers', ALLOWED_HEADERS);
  ctx.set('access-control-max-age', String(PREFLIGHT_AGE_S));
  ctx.status = 204;
}
