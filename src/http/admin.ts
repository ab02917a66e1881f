import Koa, { type Context } from 'koa';
import { problem, Refusal } from './refusal.ts';

/** Whether traffic should come here; a reason is a constant text or names a guard, never an address or a secret. */
export interface Readiness {
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly degraded: readonly string[];
}

export interface AdminParts {
  readonly readiness: () => Readiness;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** For people and scripts; no subjects, no tokens. */
  readonly status: () => object;
}

/** The admin listener: never public, never with CORS headers, so that no web page can read it. */
export function createAdminApp({ metrics, readiness, status }: AdminParts): Koa {
  const routes: Readonly<Record<string, (ctx: Context) => void | Promise<void>>> = {
    // That this line runs is the answer: liveness depends on nothing else.
    '/livez': (ctx) => {
      ctx.body = 'ok\n';
    },
    '/readyz': (ctx) => {
      const state = readiness();
      json(ctx, state);
      ctx.status = state.ready ? 200 : 503;
    },
    '/metrics': async (ctx) => {
      ctx.body = await metrics.text();
      ctx.set('content-type', metrics.contentType);
    },
    '/status': (ctx) => json(ctx, status()),
  };
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx) => {
    ctx.set('cache-control', 'no-store');
    ctx.set('x-content-type-options', 'nosniff');
    const serve = Object.hasOwn(routes, ctx.path) ? routes[ctx.path] : undefined;
    if (serve === undefined) return refuse(ctx, new Refusal('not_found'));
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      return refuse(ctx, new Refusal('method_not_allowed', { allow: 'GET, HEAD' }));
    }
    await serve(ctx);
  });
  return app;
}

function json(ctx: Context, value: object): void {
  ctx.body = `${JSON.stringify(value, null, 2)}\n`;
  ctx.type = 'application/json';
}

function refuse(ctx: Context, refusal: Refusal): void {
  ctx.status = refusal.status;
  ctx.set(refusal.headers);
  ctx.body = problem(refusal);
  ctx.type = 'application/problem+json';
}
