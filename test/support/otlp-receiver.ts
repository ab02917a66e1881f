import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A span as it came, attributes by name. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Attributes = readonly {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}[];

interface Body {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly kind: number;
        readonly traceId: string;
        readonly parentSpanId?: string;
        readonly status: { readonly code?: number };
        readonly attributes: Attributes;
      }[];
    }[];
  }[];
}

const STATUS_ERROR = 2;

/** A collector on a loopback port: OTLP over HTTP, in JSON. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Of the process that sent. */
  resource: Readonly<Record<string, unknown>> = {};
  /** Everything that came, as it came: request lines, headers, bodies. */
  raw = '';
  requests = 0;
  /** How it answers; it may also not. */
  answer: (response: ServerResponse) => void = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  readonly #server = createServer(async (request, response) => {
    this.requests++;
    const body = await text(request);
    this.raw += `${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n${body}\n`;
    if (request.url?.endsWith('/v1/traces') === true) this.#take(JSON.parse(body));
    this.answer(response);
  });

  async start(port = 0): Promise<this> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening');
    return this;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
    return address.port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take({ resourceSpans }: Body): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource = plain(resource.attributes);
      for (const { name, kind, traceId, parentSpanId, status, attributes } of scopeSpans.flatMap(
        (scope) => scope.spans,
      )) {
        this.spans.push({
          name,
          kind,
          traceId,
          parentSpanId,
          failed: status.code === STATUS_ERROR,
          attributes: plain(attributes),
        });
      }
    }
  }
}

function plain(attributes: Attributes): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
