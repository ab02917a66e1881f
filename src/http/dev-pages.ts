import type { Context, Next } from 'koa';
import type { EpochMs } from '../core/brand.ts';
import { jsonObject, readJsonBody } from './json-body.ts';
import { refuseForeignPlace, refuseForeignSite } from './loopback.ts';
import { type PageFile, type PageFiles, readPageFiles } from './page-files.ts';
import { Refusal } from './refusal.ts';
import { parseTokenRequest, type TokenRequest } from './token-request.ts';

/** A token for whoever sits at this machine; `expiresAt` is its own `exp`. */
export interface MintedToken {
  readonly token: string;
  readonly expiresAt: EpochMs;
}

/** What became of one event: its id once the log has it, or why it was refused. */
export type PublishReply =
  | { readonly id: string }
  | { readonly error: { readonly code: string; readonly message: string } };

export interface DevPagesParts {
  readonly mint: (request: TokenRequest) => Promise<MintedToken>;
  /** Takes one event as its producer wrote it, unchecked: whoever publishes validates, as on every other way in. */
  readonly publish: (event: Buffer) => Promise<PublishReply>;
  readonly files?: PageFiles;
}

type Endpoint = (body: Buffer) => Promise<object>;

/**
 * The page of `dev`, and the two endpoints that it lives on. They hand out tokens to whoever asks, so they answer only
 * this machine, only under a loopback name, and no page but their own. Passes on whatever is not theirs.
 */
export function createDevPages({ mint, publish, files = readPageFiles() }: DevPagesParts) {
  const endpoints = new Map<string, Endpoint>([
    ['/dev/token', (body) => mint(parseTokenRequest(jsonObject(body)))],
    ['/dev/events', (body) => publishOne(body, publish)],
  ]);
  return async (ctx: Context, next: Next): Promise<void> => {
    const file = files.get(ctx.path);
    const endpoint = endpoints.get(ctx.path);
    if (file === undefined && endpoint === undefined) return next();
    ctx.set(SECURITY_HEADERS);
    refuseForeignPlace(ctx);
    if (file !== undefined) serve(ctx, file);
    if (endpoint !== undefined) await call(ctx, endpoint);
  };
}

/**
 * Nothing from elsewhere, nothing inline, no framing, and no text that becomes markup. Never a CORS header: without one
 * no other origin reads an answer, nor gets `application/json` past its preflight (Fetch standard, 3.2).
 */
const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function serve(ctx: Context, { bytes, type }: PageFile): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    throw new Refusal('method_not_allowed', { allow: 'GET, HEAD' });
  }
  ctx.set('content-type', type);
  ctx.body = bytes;
}

async function call(ctx: Context, endpoint: Endpoint): Promise<void> {
  if (ctx.method !== 'POST') throw new Refusal('method_not_allowed', { allow: 'POST' });
  refuseForeignSite(ctx);
  const body = await endpoint(await readJsonBody(ctx));
  ctx.set('content-type', 'application/json');
  ctx.body = `${JSON.stringify(body)}\n`;
}

async function publishOne(body: Buffer, publish: DevPagesParts['publish']): Promise<{ readonly id: string }> {
  const reply = await publish(body);
  if ('id' in reply) return { id: reply.id };
  const { code, message } = reply.error;
  throw new Refusal('bad_event', {}, undefined, `${code}: ${message}`);
}
