import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An issuer's web server on a loopback port, which answers as it is told to. */
export class JwksServer {
  answer: Answer;
  readonly requests: IncomingMessage[] = [];
  readonly #server;
  readonly #scheme: 'http' | 'https';

  /** @param tls a certificate and its key, for https */
  constructor(answer: Answer, tls?: { readonly cert: string; readonly key: string }) {
    this.answer = answer;
    const listener: RequestListener = (request, response) => {
      this.requests.push(request);
      this.answer(request, response);
    };
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  async start(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return address.port;
  }

  get uri(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/jwks.json`;
  }
}

export function json(text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);
  };
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(code, headers).end();
  };
}
