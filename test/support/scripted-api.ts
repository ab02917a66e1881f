import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createLocalCertificate, type PemPair } from '../../src/dev/certificate.ts';
import type { Access, Credentials } from '../../src/kube/credentials.ts';

export type Step = (response: ServerResponse, request: IncomingMessage) => void;

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Whole once the request has been answered. */
  body: string;
  readonly connection: number;
}

/** An API server over TLS that does as it is told: one step a request, in order. Beyond its script it stays silent. */
export class ScriptedApi {
  readonly certificate: PemPair;
  readonly requests: ApiRequest[] = [];
  readonly #steps: Step[] = [];
  readonly #server: Server;
  #connections = 0;

  constructor(certificate: PemPair, options: ServerOptions = {}) {
    this.certificate = certificate;
    const numbers = new WeakMap<object, number>();
    const listener: RequestListener = (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://localhost');
      const { method = '', headers } = request;
      const connection = numbers.get(request.socket) ?? 0;
      const record = { method, path: pathname, query: searchParams, headers, body: '', connection };
      this.requests.push(record);
      const step = this.#steps.shift();
      request.setEncoding('utf8').on('data', (text: string) => {
        record.body += text;
      });
      request.on('end', () => step?.(response, request));
    };
    this.#server = createServer({ ...certificate, ...options }, listener);
    this.#server.on('secureConnection', (socket) => numbers.set(socket, ++this.#connections));
  }

  script(...steps: Step[]): this {
    this.#steps.push(...steps);
    return this;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get url(): URL {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
    return new URL(`https://127.0.0.1:${address.port}`);
  }
}

const certificate = createLocalCertificate(Date.now());

export async function serveApi(
  test: TestContext,
  steps: readonly Step[] = [],
  options?: ServerOptions,
): Promise<ScriptedApi> {
  const api = await new ScriptedApi(await certificate, options).script(...steps).start();
  test.after(() => api.stop());
  return api;
}

/** Credentials that say how often they were doubted; `renew` is what the next reading finds. */
export class GivenCredentials implements Credentials {
  doubts = 0;
  renew: Partial<Access> = {};
  #access: Access;

  constructor(api: ScriptedApi, token = 'secret-token') {
    const { url: server, certificate } = api;
    this.#access = { server, serverName: undefined, ca: certificate.cert, client: undefined, token };
  }

  async access(): Promise<Access> {
    return this.#access;
  }

  doubt(): void {
    this.doubts += 1;
    this.#access = { ...this.#access, ...this.renew };
  }
}

/** Answers with JSON. */
export function answer(value: unknown, status = 200, headers: Record<string, string> = {}): Step {
  return (response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(`${JSON.stringify(value)}\n`);
}

/** A refusal as the API server writes it. */
export function refuse(
  code: number,
  reason: string,
  message = reason,
  details: object = {},
  headers: Record<string, string> = {},
): Step {
  return answer(statusOf(code, reason, message, details), code, headers);
}

export function statusOf(code: number, reason: string, message = reason, details: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, details, code };
}

export function list(objects: readonly object[], resourceVersion: string, next?: string): Step {
  const metadata = { resourceVersion, ...(next === undefined ? {} : { continue: next }) };
  return answer({ kind: 'ThingList', apiVersion: 'example.dev/v1', metadata, items: objects });
}

/** A stream of watch events (or text as it is) that stays open. */
export function watch(...lines: readonly (string | object)[]): Step {
  return streamed(lines, () => undefined);
}

/** The same, with a clean end. */
export function endedWatch(...lines: readonly (string | object)[]): Step {
  return streamed(lines, (response) => response.end());
}

/** The same, with the connection gone in the middle. */
export function cutWatch(...lines: readonly (string | object)[]): Step {
  return streamed(lines, (response) => response.socket?.destroy());
}

function streamed(lines: readonly (string | object)[], then: (response: ServerResponse) => void): Step {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const text = lines
      .map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`))
      .join('');
    if (text === '') then(response);
    else response.write(text, () => then(response));
  };
}

export function event(type: string, object: object): object {
  return { type, object };
}

export function bookmark(resourceVersion: string): object {
  return event('BOOKMARK', { kind: 'Thing', apiVersion: 'example.dev/v1', metadata: { resourceVersion } });
}

/** The connection ends without an answer. */
export const reset: Step = (response) => response.socket?.destroy();

/** No answer at all. */
export const silence: Step = () => undefined;

export const THINGS = { group: 'example.dev', version: 'v1', plural: 'things', kind: 'Thing' } as const;

/** `thing('a', 7)` is version 7 of object `a`. */
export function thing(name: string, resourceVersion: number, uid = `uid-${name}`) {
  return {
    apiVersion: 'example.dev/v1',
    kind: 'Thing',
    metadata: { name, namespace: 'here', uid, resourceVersion: String(resourceVersion) },
    spec: { size: 1 },
  };
}
