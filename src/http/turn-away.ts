import type { Context } from 'koa';
import type { Random } from '../core/random.ts';
import type { TurnAwayReason } from '../stream/close-reason.ts';
import { encode } from '../stream/encode.ts';
import type { HttpObserver } from './observer.ts';
import { Refusal } from './refusal.ts';
import { tellTrace } from './tracer.ts';

const RETRY_MIN_MS = 5000;
const RETRY_SPREAD_MS = 10_000;

/**
 * Tells a client to come back in 5–15 s. Any status but 200 would stop an EventSource for good (WHATWG HTML, 9.2.3),
 * so a client that asks for an event stream gets one, which ends at once.
 */
export function turnAway(ctx: Context, reason: TurnAwayReason, random: Random, observer: HttpObserver): void {
  const retryMs = Math.round(RETRY_MIN_MS + random() * RETRY_SPREAD_MS);
  if (!ctx.get('accept').toLowerCase().includes('text/event-stream')) {
    throw new Refusal(reason, { 'retry-after': String(Math.ceil(retryMs / 1000)) });
  }
  observer.rejected(reason);
  tellTrace(ctx, { outcome: reason });
  ctx.status = 200;
  ctx.set('content-type', 'text/event-stream');
  ctx.set('cache-control', 'no-store, no-transform');
  ctx.set('x-accel-buffering', 'no');
  ctx.body = Buffer.from(encode({ kind: 'turn_away', reason, retryMs }));
}
