import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import { bind } from '../core/bind.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { writeReply } from './reply.ts';
import { type IngestTls, secureContextOptions, tlsServerOptions } from './tls.ts';

const HEADERS_MS = 10_000;
const REQUEST_MS = 300_000;
const CONNECTIONS_MAX = 1024;
const STOP_MS = 3000;
const IDLE_MS = 20;
const LINGER_MS = 500;
/** No browser sends any of these across sites without a preflight, which is never answered here. */
const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/jsonl',
  'application/json',
  'application/octet-stream',
]);

export const PROBLEMS = {
  not_found: [404, 'Events are published at /publish.'],
  method_not_allowed: [405, 'Events are published by POST.'],
  unsupported_media_type: [415, 'Events are application/x-ndjson, or application/json for one.'],
  bad_idempotency_key: [400, 'Idempotency-Key must be 1 to 255 visible ASCII characters.'],
} as const;

/** HTTP ingest for producers that cannot hold a socket: `POST /publish`, the same lines, one reply line each. */
export class PublishServer {
  readonly #server: Server | HttpsServer;
  readonly #clock: Clock;

  /** @param tls absent: clear text */
  constructor(parts: IntakeParts, tls?: IngestTls) {
    this.#clock = parts.clock;
    const options = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS };
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      void serve(request, response, parts).catch(() => request.destroy());
    };
    this.#server =
      tls === undefined
        ? createServer(options, answer)
        : createHttpsServer({ ...options, ...tlsServerOptions(tls) }, answer);
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** @returns the port bound. @throws UnreachableError */
  start(address: ListenAddress): Promise<number> {
    return bind(this.#server, 'publish', address);
  }

  /** New connections get the new certificates; open ones notice nothing. */
  replace(tls: IngestTls): void {
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext(secureContextOptions(tls));
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // A connection that is kept alive becomes idle when its last reply is out, and nobody tells.
    const idle = this.#clock.every(IDLE_MS, () => this.#server.closeIdleConnections());
    await Promise.race([closed, sleep(this.#clock, STOP_MS)]);
    idle.cancel();
    this.#server.closeAllConnections();
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: IntakeParts): Promise<void> {
  const path = request.url?.split('?', 1)[0];
  if (path !== '/publish') return refuse(response, 'not_found');
  if (request.method !== 'POST') return refuse(response, 'method_not_allowed', { allow: 'POST' });
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!MEDIA_TYPES.has(mediaType)) return refuse(response, 'unsupported_media_type');
  const key = request.headers['idempotency-key']?.toString();
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) return refuse(response, 'bad_idempotency_key');
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const intake = new Intake(parts, { reply: (reply) => void response.write(writeReply(reply)) }, key);
  // Leaving the loop must not destroy the connection: the last reply is still to go out.
  let welcome = true;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    welcome = intake.push(chunk);
    if (!welcome) break;
    await intake.room();
    if (response.writableNeedDrain) await drained(response);
  }
  await intake.end();
  response.end();
  // What is still to come is of no use; the peer has a moment to take the last reply.
  if (!welcome) parts.clock.after(LINGER_MS, () => request.destroy());
}

/** Resolves when the replies have been taken, or never will be. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
}

function refuse(
  response: ServerResponse,
  code: keyof typeof PROBLEMS,
  headers: Record<string, string> = {},
): void {
  const [status, title] = PROBLEMS[code];
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(`${JSON.stringify({ type: 'about:blank', title, status, code })}\n`);
}
