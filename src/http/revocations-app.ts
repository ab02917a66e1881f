import Koa, { type Context, type Next } from 'koa';
import type { PutOutcome, RevocationStore } from '../bus/revocation-store.ts';
import type { Clock } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { Guards } from '../guard/guards.ts';
import { LogoutTokenError } from '../guard/logout-token.ts';
import { revocationOf, revocationsOf } from '../guard/revocation.ts';
import { TokenError } from '../guard/token-error.ts';
import type { CredentialFile } from './credential-file.ts';
import { jsonObject, readForm, readJsonBody, SMALL_BODY_BYTES_MAX } from './json-body.ts';
import type { RevocationObserver, RevocationResult } from './observer.ts';
import { RateLimit } from './rate-limit.ts';
import { problem, Refusal } from './refusal.ts';
import { parseRevocationRequest } from './revocation-request.ts';
import { isGone } from './take-over.ts';

/** From one address and each way in; a signature costs some 0.1 ms, and each revocation is told to every gateway. */
const PER_SECOND_MAX = 100;
/** So long no other logout token may have the id of one; what an older one says is in force already. */
const ONCE_MAX_MS = 86_400_000;
const LOGOUT_PATH = /^\/backchannel-logout\/([-.a-z0-9]{1,253})$/;

export interface RevocationsParts {
  readonly guards: Guards;
  readonly store: RevocationStore;
  readonly credential: Pick<CredentialFile, 'isConfigured' | 'accepts'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: RevocationObserver;
}

/**
 * The port where tokens are revoked: `POST /revocations` for whoever has its credential, and for issuers
 * `POST /backchannel-logout/GUARD` with a logout token, which is its own credential. No CORS headers: it is not for pages.
 */
export function createRevocationsApp(parts: RevocationsParts): Koa {
  const { clock, credential } = parts;
  const limit = new RateLimit(PER_SECOND_MAX, clock);
  const app = new Koa();
  app.silent = true;
  app.use((ctx, next) => answer(ctx, next, parts));
  app.use(async (ctx) => {
    const path = pathOf(ctx);
    const isRevocation = path === '/revocations' && credential.isConfigured;
    const guard = LOGOUT_PATH.exec(path)?.[1];
    if (!isRevocation && (guard === undefined || parts.guards.get(guard) === undefined)) {
      throw new Refusal('not_found');
    }
    if (ctx.method !== 'POST') throw new Refusal('method_not_allowed', { allow: 'POST' });
    if (!limit.allows(`${path}\0${ctx.req.socket.remoteAddress}`)) {
      throw new Refusal('too_many_revocations', { 'retry-after': '1' });
    }
    if (guard === undefined) await revoke(ctx, parts);
    else await logOut(ctx, guard, parts);
  });
  return app;
}

/** A target such as `http://[` is no URL. */
function pathOf(ctx: Context): string {
  try {
    return ctx.path;
  } catch {
    throw new Refusal('bad_request');
  }
}

async function revoke(
  ctx: Context,
  { clock, credential, guards, log, store }: RevocationsParts,
): Promise<void> {
  const [, presented] = /^bearer +([-\w.~+/]+=*) *$/i.exec(ctx.get('authorization')) ?? [];
  if (ctx.get('authorization') === '') throw new Refusal('missing_credential');
  if (presented === undefined || !credential.accepts(presented)) throw new Refusal('wrong_credential');
  const body = jsonObject(await readJsonBody(ctx, SMALL_BODY_BYTES_MAX));
  const now = clock.now();
  const { guard, target, before } = parseRevocationRequest(body, guards, now);
  refuseUnlessStored(await store.put([revocationOf(guard, target, before, now)]));
  log.info('revoked', { guard: guard.name, by: target.kind });
  ctx.status = 204;
}

/** OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8. */
async function logOut(
  ctx: Context,
  name: string,
  { clock, guards, log, store }: RevocationsParts,
): Promise<void> {
  const [token, another] = (await readForm(ctx)).getAll('logout_token');
  if (token === undefined || another !== undefined) {
    throw new Refusal('bad_logout_token', {}, undefined, 'logout_token: exactly one is required');
  }
  const guard = guards.get(name);
  if (guard === undefined) throw new Refusal('not_found');
  const logout = await guard.verifyLogout(token).catch((cause: unknown) => {
    if (!(cause instanceof LogoutTokenError || cause instanceof TokenError)) throw cause;
    throw new Refusal('bad_logout_token', {}, cause, cause.message);
  });
  const now = clock.now();
  const { once, revocations } = revocationsOf(guard, logout, now);
  const forMs = Math.min(Math.max(logout.expiresAt - now, 1), ONCE_MAX_MS);
  refuseUnlessStored(await store.put(revocations, { ...once, forMs }));
  log.info('revoked', { guard: name, by: 'logout token' });
  ctx.status = 200;
  ctx.body = '';
}

function refuseUnlessStored(outcome: PutOutcome): void {
  if (outcome === 'full') throw new Refusal('revocations_full');
  if (outcome === 'repeated') throw new Refusal('repeated_logout_token');
}

/** The one funnel of this port: what came of it is counted, told, and logged by its code. */
async function answer(ctx: Context, next: Next, { log, observer }: RevocationsParts): Promise<void> {
  // Also where it goes well (Back-Channel Logout, section 2.8).
  ctx.set('cache-control', 'no-store');
  ctx.set('x-content-type-options', 'nosniff');
  try {
    await next();
    observer.revoked('stored');
  } catch (error) {
    if (!(error instanceof CodedError) && isGone(ctx)) {
      ctx.respond = false;
      return;
    }
    const refusal = refusalOf(error);
    observer.revoked(RESULTS[refusal.code] ?? 'refused');
    if (refusal.code === 'internal') log.error('request failed', { error });
    else log[isAnybodys(refusal) ? 'debug' : 'warn']('revocation refused', { code: refusal.code });
    ctx.status = refusal.status;
    ctx.set(refusal.headers);
    ctx.body = problem(refusal);
    ctx.type = 'application/problem+json';
    // What is left of the body is not waited for.
    if (!ctx.req.complete) ctx.set('connection', 'close');
  }
}

/** What anybody can bring about as often as they like fills no log. */
function isAnybodys({ status }: Refusal): boolean {
  return status === 404 || status === 405 || status === 429;
}

const RESULTS: Readonly<Record<string, RevocationResult>> = {
  repeated_logout_token: 'repeated',
  revocations_full: 'full',
  revocations_unavailable: 'unavailable',
};

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof CodedError && error.code === 'unavailable') {
    return new Refusal('revocations_unavailable', { 'retry-after': '1' }, error);
  }
  return new Refusal('internal', {}, error);
}
