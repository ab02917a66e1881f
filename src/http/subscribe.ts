import type { Context } from 'koa';
import type { Topic } from '../core/brand.ts';
import type { Authorisation } from '../stream/authorisation.ts';
import type { Hub } from '../stream/hub.ts';
import { authenticate } from './authenticate.ts';
import {
  GrantedAuthorisation,
  grantedTopics,
  missingScopes,
  PublicAuthorisation,
  type Rules,
} from './granted.ts';
import type { HttpObserver } from './observer.ts';
import { queryOf } from './query.ts';
import { insufficientScope, Refusal } from './refusal.ts';
import { guardsOf, type Route } from './routes.ts';
import { isGone, isPipelined, takeOver } from './take-over.ts';
import { tellTrace } from './tracer.ts';
import { turnAway } from './turn-away.ts';

/** 254 bytes: no id that was ever given out is longer than 33. */
const LAST_EVENT_ID_BYTES_MAX = 254;
const PER_SUBJECT_RETRY_S = 5;

export interface SubscribeParts extends Rules {
  readonly hub: Hub;
  readonly observer: HttpObserver;
  /** Whether configuration and bus are there; until then clients are told to come back. */
  readonly ready: () => boolean;
}

/** GET on a configured path: from a request to a stream, in the order in which it may fail. */
export async function subscribe(ctx: Context, route: Route, parts: SubscribeParts): Promise<void> {
  const { hub } = parts;
  if (carriesBody(ctx)) throw new Refusal('unexpected_body');
  if (!parts.ready()) return turnAway(ctx, 'not_ready', parts.random, parts.observer);
  const resume = lastEventId(ctx);
  tellTrace(ctx, { resumed: resume !== undefined });
  const early = hub.refusal(undefined, false);
  if (early === 'draining' || early === 'full') return turnAway(ctx, early, parts.random, parts.observer);

  const { authorisation, topics } = await authorise(ctx, route, parts);
  if (isGone(ctx)) return;
  if (isPipelined(ctx)) throw new Refusal('pipelined');

  // From here to the hub nothing waits, so what was judged is what is opened.
  const refusal = hub.refusal(authorisation.holder, resume !== undefined);
  if (refusal === 'per_subject') throw new Refusal(refusal, { 'retry-after': String(PER_SUBJECT_RETRY_S) });
  if (refusal !== undefined) return turnAway(ctx, refusal, parts.random, parts.observer);
  const { transport, onGone } = takeOver(ctx);
  const connection = hub.open({ path: route.path, transport, topics, authorisation, resume });
  onGone(() => hub.gone(connection));
  tellTrace(ctx, { outcome: 'opened' });
}

interface Authorised {
  readonly authorisation: Authorisation;
  readonly topics: readonly Topic[];
}

async function authorise(ctx: Context, route: Route, parts: SubscribeParts): Promise<Authorised> {
  const request = { path: route.path, narrowed: queryOf(ctx).getAll('topic') };
  if (route.public === true) {
    const topics = grantedTopics(route, {}, request.narrowed);
    if (topics === undefined) throw new Refusal('topic_forbidden');
    return { authorisation: new PublicAuthorisation(parts.routes, request), topics };
  }
  const { guard, grant } = await authenticate(ctx, guardsOf(route), parts.guards, 'stream');
  // The path may have changed while the token was verified, and running streams have been judged again without this one.
  const now = parts.routes().find(route.path);
  if (now === undefined) throw new Refusal('not_found');
  if (!guardsOf(now).includes(guard.name)) throw new Refusal('wrong_issuer');
  if (missingScopes(grant, now).length > 0) throw insufficientScope(now.scopes);
  const topics = grantedTopics(now, grant.claims, request.narrowed);
  if (topics === undefined || topics.length === 0) throw new Refusal('topic_forbidden');
  return { authorisation: new GrantedAuthorisation(parts, guard, grant, request), topics };
}

/** `Last-Event-ID`, which a browser sends by itself, else `?lastEventId=` for the first connection of a page. */
function lastEventId(ctx: Context): string | undefined {
  // Node gives header bytes as Latin-1; a client sends UTF-8 (WHATWG HTML, 9.2.3).
  const header = Buffer.from(ctx.get('last-event-id'), 'latin1').toString('utf8');
  const id = header || queryOf(ctx).get('lastEventId') || undefined;
  if (id !== undefined && Buffer.byteLength(id) > LAST_EVENT_ID_BYTES_MAX) {
    throw new Refusal('last_event_id_too_long');
  }
  return id;
}

function carriesBody(ctx: Context): boolean {
  const { headers } = ctx.req;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
