import type { Context } from 'koa';
import type { Clock } from '../core/clock.ts';
import { authenticate } from './authenticate.ts';
import type { Rules } from './granted.ts';
import type { HttpObserver } from './observer.ts';
import type { AnswerOutcome, Owner } from './owner.ts';
import { RateLimit } from './rate-limit.ts';
import { insufficientScope, Refusal } from './refusal.ts';
import { guardsOf, type Route } from './routes.ts';

const BODY_BYTES_MAX = 1024;
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
    await discardBody(ctx);
    const named = route === undefined ? [] : guardsOf(route);
    const names = named.length > 0 ? named : parts.routes().guards;
    const { guard, grant } = await authenticate(ctx, names, parts.guards, 'answer');
    if (grant.subject !== undefined && !perSubject.allows(`${grant.guard}\0${grant.subject}`)) {
      throw new Refusal('too_many_answers', { 'retry-after': '1' });
    }
    const outcome = await ask();
    observer.answered(clock.monotonicMs() - startedMs);
    if (outcome === 'applied') {
      ctx.status = 204;
      return;
    }
    observer.answerRefused(grant.guard);
    throw refused(outcome, route);

    function ask(): Promise<AnswerOutcome> {
      if (guard.spec.challenge.answer === 'Subject') return owner.answerSubject(grant);
      const challengeId = ctx.get('challenge-id');
      if (challengeId === '') throw new Refusal('missing_challenge_id');
      return owner.answerChallenge(grant, challengeId);
    }
  };
}

function refused(outcome: Exclude<AnswerOutcome, 'applied'>, route: Route | undefined): Refusal {
  return outcome === 'insufficient_scope' ? insufficientScope(route?.scopes ?? []) : new Refusal(outcome);
}

/** The body is ignored, but only so much of it. */
async function discardBody(ctx: Context): Promise<void> {
  if (Number(ctx.req.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw new Refusal('too_large');
  let bytes = 0;
  for await (const chunk of ctx.req) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > BODY_BYTES_MAX) throw new Refusal('too_large');
  }
}
