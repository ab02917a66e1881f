import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Publisher } from '../bus/bus.ts';
import { bind } from '../core/bind.ts';
import { type Clock, sleep } from '../core/clock.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { Intake, type IntakeParts } from './intake.ts';
import { writeReply } from './reply.ts';

const HEADERS_MS = 10_000;
const REQUEST_MS = 300_000;
const CONNECTIONS_MAX = 1024;
const STOP_MS = 3000;
/** No browser sends any of these across sites without a preflight, which is never answered here. */
const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/jsonl',
  'application/json',
  'application/octet-stream',
]);

const PROBLEMS = {
  not_found: [404, 'Events are published at /publish.'],
  method_not_allowed: [405, 'Events are published by POST.'],
  unsupported_media_type: [415, 'Events are application/x-ndjson, or application/json for one.'],
  bad_idempotency_key: [400, 'Idempotency-Key must be 1 to 255 visible ASCII characters.'],
} as const;

/** HTTP ingest for producers that cannot hold a socket: `POST /publish`, the same lines, one reply line each. */
export class PublishServer {
  readonly #server: Server;
  readonly #clock: Clock;

  constructor(parts: IntakeParts) {
    this.#clock = parts.clock;
    this.#server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
      (request, response) => {
        void serve(request, response, parts).catch(() => request.destroy());
      },
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** @returns the port bound. @throws UnreachableError */
  start(address: ListenAddress): Promise<number> {
    return bind(this.#server, 'publish', address);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await Promise.race([closed, sleep(this.#clock, STOP_MS)]);
    this.#server.closeAllConnections();
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, parts: IntakeParts): Promise<void> {
  const path = request.url?.split('?', 1)[0];
  if (path !== '/publish') return refuse(response, 'not_found');
  if (request.method !== 'POST') return refuse(response, 'method_not_allowed', { allow: 'POST' });
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!MEDIA_TYPES.has(mediaType)) return refuse(response, 'unsupported_media_type');
  const key = request.headers['idempotency-key'];
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(String(key)))
    return refuse(response, 'bad_idempotency_key');
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const publisher = key === undefined ? parts.publisher : keyed(parts.publisher, String(key));
  const intake = new Intake(
    { ...parts, publisher },
    { reply: (reply) => void response.write(writeReply(reply)) },
  );
  for await (const chunk of request) {
    if (!intake.push(chunk)) break;
    await intake.room();
    if (response.writableNeedDrain) await new Promise((resolve) => response.once('drain', resolve));
  }
  await intake.end();
  response.end();
}

/** The n-th event of a repeated request is the n-th event of the first one, unless its line has a key of its own. */
function keyed(publisher: Publisher, key: string): Publisher {
  let count = 0;
  return { publish: (event, lineKey) => publisher.publish(event, lineKey ?? `${key}:${++count}`) };
}

function refuse(
  response: ServerResponse,
  code: keyof typeof PROBLEMS,
  headers: Record<string, string> = {},
): void {
  const [status, title] = PROBLEMS[code];
  response.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close', ...headers });
  response.end(`${JSON.stringify({ type: 'about:blank', title, status, code })}\n`);
}
