import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { visible } from './render.ts';

const BODY_BYTES_MAX = 16 * 1024;
const BODY_MS_MAX = 5_000;
const TEXT_CHARS_MAX = 300;

/** A refusal as a person is told it. */
export interface Problem {
  readonly status: number;
  /** Stable; absent when it was no gateway that answered. */
  readonly code?: string;
  /** Such as `401 expired: The token has expired.`; without control characters. */
  readonly text: string;
}

/**
 * Reads a body of RFC 9457 if there is one. Never rejects: a refusal whose body is missing or broken is one still.
 *
 * @param secret is taken out, in case that a server is so unkind as to send it back
 */
export async function readProblem(
  response: IncomingMessage,
  clock: Clock,
  secret: string | undefined,
): Promise<Problem> {
  const status = response.statusCode ?? 0;
  const fields = parse(await readBody(response, clock));
  const code = field(fields, 'code', secret);
  const detail =
    field(fields, 'detail', secret) ?? field(fields, 'title', secret) ?? response.statusMessage ?? '';
  const text = `${[String(status), code].filter(Boolean).join(' ')}${detail === '' ? '' : `: ${visible(detail)}`}`;
  return { status, ...(code === undefined ? {} : { code }), text };
}

async function readBody(response: IncomingMessage, clock: Clock): Promise<string> {
  const timer = clock.after(BODY_MS_MAX, () => response.destroy());
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response) {
      if (!(chunk instanceof Uint8Array)) continue;
      length += chunk.length;
      if (length > BODY_BYTES_MAX) return '';
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch {
    // The status is what matters, and it is known.
    return '';
  } finally {
    timer.cancel();
    response.destroy();
  }
}

function parse(body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // A proxy's page of HTML, perhaps.
    return {};
  }
}

function field(fields: object, name: string, secret: string | undefined): string | undefined {
  const value: unknown = Reflect.get(fields, name);
  if (typeof value !== 'string' || value === '') return undefined;
  const safe = secret === undefined ? value : value.replaceAll(secret, '[token]');
  return visible(safe.slice(0, TEXT_CHARS_MAX));
}
