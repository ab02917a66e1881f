import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Step = (response: ServerResponse, request: IncomingMessage) => void;

/** A server that does as it is told: one step for each GET, one for each POST, in order; then it refuses. */
export class ScriptedServer {
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  readonly #streams: Step[] = [];
  readonly #answers: Step[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  constructor(tls?: { cert: string; key: string }) {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      const { method = '', url = '', headers } = request;
      this.requests.push({ method, url, headers });
      const step = (method === 'GET' ? this.#streams : this.#answers).shift() ?? refuse(418, 'unscripted');
      step(response, request);
    };
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    this.#scheme = tls === undefined ? 'http' : 'https';
  }

  streams(...steps: Step[]): this {
    this.#streams.push(...steps);
    return this;
  }

  answers(...steps: Step[]): this {
    this.#answers.push(...steps);
    return this;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(pathAndQuery = '/events'): URL {
    return new URL(pathAndQuery, `${this.#scheme}://localhost:${this.port}`);
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform' };

/** Sends exactly these bytes as a stream and leaves it open. */
export function stream(text: string): Step {
  return (response) => {
    response.writeHead(200, STREAM_HEADERS);
    response.flushHeaders();
    response.write(text);
  };
}

/** The same, with a clean end. */
export function endedStream(text: string): Step {
  return (response) => response.writeHead(200, STREAM_HEADERS).end(text);
}

/** The same, cut in the middle of the response. */
export function cutStream(text: string): Step {
  return (response) => {
    response.writeHead(200, STREAM_HEADERS);
    response.write(text, () => response.socket?.resetAndDestroy());
  };
}

/** RFC 9457. */
export function refuse(status: number, code: string, headers: Record<string, string> = {}): Step {
  const body = `${JSON.stringify({ type: 'about:blank', title: `Title of ${code}.`, status, code })}\n`;
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(body);
}

/** The same, and tells when it was done: a client can only be later to know than the server. */
export function timed(at: number[], step: Step): Step {
  return (response, request) => {
    at.push(performance.now());
    step(response, request);
  };
}

export const accept: Step = (response) => response.writeHead(204).end();

export function end(reason: string, reconnect: boolean): string {
  return `event:end\ndata:${JSON.stringify({ reason, reconnect })}\n\n`;
}

export const CHALLENGE =
  'event:challenge\ndata:{"method":"POST","headers":{"content-type":"application/x-challenge-response","challenge-id":"pod.abc"}}\n\n';
