import { type EpochMs, epochMs, type Topic } from '../core/brand.ts';
import type { Random } from '../core/random.ts';
import type { Grant } from '../guard/grant.ts';
import type { Guard } from '../guard/guard.ts';
import type { Guards } from '../guard/guards.ts';
import { challengeAt } from '../guard/schedule.ts';
import type { TokenErrorCode } from '../guard/token-error.ts';
import { fillTopics } from '../guard/topic-template.ts';
import { type Authorisation, NEVER, type Verdict } from '../stream/authorisation.ts';
import { guardsOf, type Route, type Routes } from './routes.ts';

/** What judging needs to know, as it is at the moment of judging. */
export interface Rules {
  readonly guards: Guards;
  readonly routes: () => Routes;
  readonly random: Random;
}

/** What a stream was opened with. */
export interface StreamRequest {
  readonly path: string;
  /** Topics asked for by `?topic=`; empty: all that are granted. */
  readonly narrowed: readonly string[];
}

/** Why an answer does not extend a stream (contract, section 5). */
export type AnswerRefusal =
  | TokenErrorCode
  | 'other_subject'
  | 'insufficient_scope'
  | 'claims_changed'
  | 'not_later'
  | 'no_such_challenge';

/** A grant on one path: here a token's rights become `{ challengeAt, closeAt, allows }` of a stream. */
export class GrantedAuthorisation implements Authorisation {
  readonly challengeAt: EpochMs;
  readonly closeAt: EpochMs;
  readonly answer: 'Stream' | 'Subject';
  readonly grant: Grant;
  readonly request: StreamRequest;
  /** Whether this very grant came as an answer: repeating it is then no fault. */
  readonly answered: boolean;
  readonly #rules: Rules;

  constructor(rules: Rules, guard: Guard, grant: Grant, request: StreamRequest, answered = false) {
    const { challenge, clockSkew } = guard.spec;
    this.#rules = rules;
    this.grant = grant;
    this.request = request;
    this.answered = answered;
    this.answer = challenge.answer;
    this.closeAt = epochMs(grant.expiresAt + clockSkew);
    this.challengeAt = challengeAt(grant, challenge.leadTime, rules.random) ?? NEVER;
  }

  get guard(): string {
    return this.grant.guard;
  }

  get subject() {
    return this.grant.subject;
  }

  get session() {
    return this.grant.session;
  }

  get expiresAt(): EpochMs {
    return this.grant.expiresAt;
  }

  get holder(): string {
    const { guard, subject, tokenHash } = this.grant;
    return subject === undefined ? `${guard}\0token\0${tokenHash}` : `${guard}\0subject\0${subject}`;
  }

  review(): Verdict {
    const { grant, request } = this;
    const route = this.#rules.routes().find(request.path);
    const guard = this.#rules.guards.get(grant.guard);
    if (route === undefined || guard === undefined || !guardsOf(route).includes(grant.guard)) return CHANGED;
    const code = guard.rejudge(grant);
    // Its time is up by itself, and the deadline that says so is due; nothing has changed.
    const isOver = code === 'expired' && grant.expiresAt + guard.spec.clockSkew === this.closeAt;
    if (code !== undefined && !isOver) return code === 'revoked' ? REVOKED : CHANGED;
    if (missingScopes(grant, route).length > 0) return CHANGED;
    const topics = grantedTopics(route, grant.claims, request.narrowed);
    if (topics === undefined || topics.length === 0) return CHANGED;
    const authorisation = new GrantedAuthorisation(this.#rules, guard, grant, request, this.answered);
    return { kind: 'allowed', topics, authorisation };
  }

  /** What the stream would be authorised by after this answer, or why not. */
  successor(grant: Grant): GrantedAuthorisation | AnswerRefusal {
    const { request } = this;
    const sameOwner = grant.guardUid === this.grant.guardUid && grant.subject === this.grant.subject;
    if (!sameOwner || grant.subject === undefined) return 'other_subject';
    const route = this.#rules.routes().find(request.path);
    const guard = this.#rules.guards.get(grant.guard);
    if (route === undefined || guard === undefined) return 'no_such_challenge';
    // The answer may have been verified elsewhere, by what that process knew of the guard and its keys.
    const code = guard.rejudge(grant);
    if (code !== undefined) return code;
    if (missingScopes(grant, route).length > 0) return 'insufficient_scope';
    const before = grantedTopics(route, this.grant.claims, request.narrowed);
    const after = grantedTopics(route, grant.claims, request.narrowed);
    if (!sameTopics(before, after)) return 'claims_changed';
    if (this.answered && grant.tokenHash === this.grant.tokenHash) return this;
    if (grant.expiresAt <= this.grant.expiresAt) return 'not_later';
    return new GrantedAuthorisation(this.#rules, guard, grant, request, true);
  }
}

/** A stream on a public path: nobody's, and without end. */
export class PublicAuthorisation implements Authorisation {
  readonly guard = undefined;
  readonly subject = undefined;
  readonly session = undefined;
  readonly holder = undefined;
  readonly answer = 'Stream';
  readonly challengeAt = NEVER;
  readonly closeAt = NEVER;
  readonly expiresAt = NEVER;
  readonly #routes: () => Routes;
  readonly #request: StreamRequest;

  constructor(routes: () => Routes, request: StreamRequest) {
    this.#routes = routes;
    this.#request = request;
  }

  review(): Verdict {
    const route = this.#routes().find(this.#request.path);
    if (route?.public !== true) return CHANGED;
    const topics = grantedTopics(route, {}, this.#request.narrowed);
    return topics === undefined ? CHANGED : { kind: 'allowed', topics, authorisation: this };
  }
}

/** Scopes that the path requires and the token lacks. */
export function missingScopes(grant: Grant, route: Route): readonly string[] {
  return route.scopes.filter((scope) => !grant.scopes.has(scope));
}

/** The topics of the path for these claims, or of those the ones asked for; `undefined` when one asked for is not among them. */
export function grantedTopics(
  route: Route,
  claims: Readonly<Record<string, unknown>>,
  narrowed: readonly string[],
): readonly Topic[] | undefined {
  const granted = fillTopics(route.topics, claims);
  if (narrowed.length === 0) return granted;
  const wanted = new Set(narrowed);
  const topics = granted.filter((topic) => wanted.has(topic));
  return topics.length === wanted.size ? topics : undefined;
}

const CHANGED: Verdict = { kind: 'refused', reason: 'guard_changed' };
const REVOKED: Verdict = { kind: 'refused', reason: 'revoked' };

function sameTopics(before: readonly Topic[] | undefined, after: readonly Topic[] | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return before.length === after.length && before.every((topic) => after.includes(topic));
}
