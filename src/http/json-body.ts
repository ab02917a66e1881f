import type { Context } from 'koa';
import { Refusal } from './refusal.ts';

const BODY_BYTES_MAX = 65_536;
/** Two members and a name of 256 characters, however it is escaped. */
export const SMALL_BODY_BYTES_MAX = 4_096;
/** A token of 8 KiB, percent-encoded. */
const FORM_BYTES_MAX = 32_768;

/**
 * The body of a request that says it is JSON. Nothing else is taken: a form of another site can send every other type
 * without asking first (Fetch standard, CORS-safelisted request-header).
 *
 * @throws Refusal 415 `not_json`, 413 `too_large` beyond 64 KiB or `bytesMax`
 */
export async function readJsonBody(ctx: Context, bytesMax = BODY_BYTES_MAX): Promise<Buffer> {
  if (mediaType(ctx) !== 'application/json') throw new Refusal('not_json');
  return readBody(ctx, bytesMax);
}

/**
 * The body of a request that says it is a form.
 *
 * @throws Refusal 415 `not_a_form`, 413 `too_large` beyond 32 KiB
 */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (mediaType(ctx) !== 'application/x-www-form-urlencoded') throw new Refusal('not_a_form');
  return new URLSearchParams((await readBody(ctx, FORM_BYTES_MAX)).toString('utf8'));
}

function mediaType(ctx: Context): string {
  return (ctx.req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function readBody(ctx: Context, bytesMax: number): Promise<Buffer> {
  if (Number(ctx.req.headers['content-length'] ?? 0) > bytesMax) throw new Refusal('too_large');
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when it is refused: destroying the request would take the connection, and the answer with it.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Refusal('too_large');
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
