import type { Context } from 'koa';
import type { Clock } from '../core/clock.ts';
import { type Authenticated, authenticate } from './authenticate.ts';
import type { Rules } from './granted.ts';
import type { HttpObserver } from './observer.ts';
import type { AnswerOutcome, Owner } from './owner.ts';
import { RateLimit } from './rate-limit.ts';
import { insufficientScope, Refusal } from './refusal.ts';
import { guardsOf, type Route } from './routes.ts';
import { tellTrace } from './tracer.ts';

const BODY_BYTES_MAX = 1024;
const BODY_MS = 10_000;
const ANSWERS_PER_SECOND_MAX = 10;

export interface AnswerParts extends Rules {
  readonly owner: Owner;
  readonly clock: Clock;
  readonly observer: HttpObserver;
}

/** POST with the answer's content type, on whatever path: a fresh token for streams that are open. */
export function createAnswer(parts: AnswerParts): (ctx: Context, route: Route | undefined) => Promise<void> {
  const { clock, observer, owner } = parts;
  const perSubject = new RateLimit(ANSWERS_PER_SECOND_MAX, clock);

  return async (ctx, route) => {
    const startedMs = clock.monotonicMs();
    await discardBody(ctx, clock);
    const { guard, grant } = await authenticateAnswer(ctx, route, parts);
    if (grant.subject !== undefined && !perSubject.allows(`${grant.guard}\0${grant.subject}`)) {
      throw new Refusal('too_many_answers', { 'retry-after': '1' });
    }
    const outcome = await ask();
    observer.answered(clock.monotonicMs() - startedMs);
    if (outcome === 'applied') {
      ctx.status = 204;
      tellTrace(ctx, { outcome: 'applied' });
      return;
    }
    observer.answerRefused(grant.guard);
    throw refused(outcome, route);

    function ask(): Promise<AnswerOutcome> {
      tellTrace(ctx, { owner: 'local' });
      const others = (): void => tellTrace(ctx, { owner: 'remote' });
      if (guard.spec.challenge.answer === 'Subject') return owner.answerSubject(grant, others);
      const challengeId = ctx.get('challenge-id');
      if (challengeId === '') throw new Refusal('missing_challenge_id');
      return owner.answerChallenge(grant, challengeId, others);
    }
  };
}

function refused(outcome: Exclude<AnswerOutcome, 'applied'>, route: Route | undefined): Refusal {
  return outcome === 'insufficient_scope' ? insufficientScope(route?.scopes ?? []) : new Refusal(outcome);
}

/**
 * By a guard of the path, else by any that some path names: an answer counts on whatever path it comes, and what it
 * extends is the streams of its guard. What the path's own guards say is what is told.
 */
async function authenticateAnswer(
  ctx: Context,
  route: Route | undefined,
  { guards, routes }: AnswerParts,
): Promise<Authenticated> {
  const { guards: all } = routes();
  const named = route === undefined ? [] : guardsOf(route);
  if (named.length === 0) return authenticate(ctx, all, guards, 'answer');
  try {
    return await authenticate(ctx, named, guards, 'answer');
  } catch (error) {
    const foreign = error instanceof Refusal && (error.code === 'wrong_issuer' || error.code === 'missing');
    const others = all.filter((name) => !named.includes(name));
    if (!foreign || others.length === 0) throw error;
    return authenticate(ctx, others, guards, 'answer').catch((again: unknown) => {
      throw again instanceof Refusal && again.code === 'missing' ? error : again;
    });
  }
}

/** The body is ignored, but only so much of it, and it must come: HTTP/2 has no time limit for a request of its own. */
async function discardBody(ctx: Context, clock: Clock): Promise<void> {
  if (Number(ctx.req.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw new Refusal('too_large');
  const late = Promise.withResolvers<never>();
  const timer = clock.after(BODY_MS, () => late.reject(new Refusal('request_timeout')));
  try {
    await Promise.race([readThrough(ctx), late.promise]);
  } finally {
    timer.cancel();
  }
}

async function readThrough({ req }: Context): Promise<void> {
  let bytes = 0;
  // Left open when it is refused: destroying the request would take the connection, and the answer with it.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > BODY_BYTES_MAX) throw new Refusal('too_large');
  }
}
