import type { Context } from 'koa';
import { Refusal } from './refusal.ts';

const BODY_BYTES_MAX = 65_536;

/**
 * The body of a request that says it is JSON. Nothing else is taken: a form of another site can send every other type
 * without asking first (Fetch standard, CORS-safelisted request-header).
 *
 * @throws Refusal 415 `not_json`, 413 `too_large` beyond 64 KiB
 */
export async function readJsonBody(ctx: Context): Promise<Buffer> {
  const [type] = (ctx.req.headers['content-type'] ?? '').split(';', 1);
  if (type?.trim().toLowerCase() !== 'application/json') throw new Refusal('not_json');
  if (Number(ctx.req.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw new Refusal('too_large');
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when it is refused: destroying the request would take the connection, and the answer with it.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Refusal('too_large');
  }
  return Buffer.concat(chunks, bytes);
}

/** @throws Refusal 400 `bad_json` */
export function jsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('bad_json');
  return { ...value };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new Refusal('bad_json', {}, cause);
  }
}
