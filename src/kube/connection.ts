import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { type Access, type Credentials, sameTls } from './credentials.ts';
import { KubeError, unreachable } from './kube-error.ts';

/** A peer that has vanished without a word is noticed by the kernel some 10 s after this silence. */
const KEEP_ALIVE_MS = 15_000;
/** An idle connection is closed after this: shorter than load balancers do, which would not tell. */
const IDLE_MS = 30_000;
const IDLE_CONNECTIONS_MAX = 8;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: { readonly type: string; readonly text: string };
}

/**
 * Requests to the API server on connections that are kept. A change of CA or client certificate counts from the next
 * request on; what is under way goes on. Redirects are not followed: credentials are for the server they were meant for.
 */
export class Connection {
  readonly #credentials: Credentials;
  readonly #userAgent: string;
  #agent: { readonly access: Access; readonly https: HttpsAgent } | undefined;
  readonly #httpAgent = new HttpAgent(AGENT);

  constructor(credentials: Credentials, userAgent: string) {
    this.#credentials = credentials;
    this.#userAgent = userAgent;
  }

  /**
   * Sends the call, once more with other credentials when they turn out to have been replaced.
   *
   * @returns the response of any status with its headers; its body has not been read
   * @throws KubeError `credentials` or `unreachable`; the reason of `signal` when it is aborted
   */
  async open(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const access = await this.#credentials.access();
    const response = await this.#try(access, call, signal);
    if (response.statusCode !== 401) return response;
    this.#credentials.doubt();
    const renewed = await this.#credentials.access();
    if (renewed.token === access.token && sameTls(renewed, access)) return response;
    response.destroy();
    return await this.#try(renewed, call, signal);
  }

  /** Closes what is idle. */
  close(): void {
    this.#agent?.https.destroy();
    this.#httpAgent.destroy();
  }

  async #try(access: Access, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    assertProtected(access.server);
    for (;;) {
      signal.throwIfAborted();
      const outgoing = this.#send(access, call, signal);
      try {
        return await answered(outgoing);
      } catch (cause) {
        signal.throwIfAborted();
        // Closed by the server while idle, which we had not heard of yet.
        if (outgoing.reusedSocket && call.method === 'GET') continue;
        // Its CA may have been replaced.
        this.#credentials.doubt();
        throw unreachable(cause);
      }
    }
  }

  #send(access: Access, { method, path, body }: Call, signal: AbortSignal): ClientRequest {
    const { server, token } = access;
    const headers = {
      accept: 'application/json',
      'user-agent': this.#userAgent,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
    };
    const where = {
      host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: server.port,
      path: `${server.pathname.replace(/\/$/, '')}${path}`,
    };
    const options = { ...where, method, headers, signal };
    const outgoing =
      server.protocol === 'https:'
        ? requestHttps({ ...options, agent: this.#agentFor(access) })
        : requestHttp({ ...options, agent: this.#httpAgent });
    outgoing.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    outgoing.end(body?.text);
    return outgoing;
  }

  /** Connections of the one before serve what they are serving, and close when they have been idle. */
  #agentFor(access: Access): HttpsAgent {
    if (this.#agent === undefined || !sameTls(access, this.#agent.access)) {
      const { ca, client, serverName } = access;
      const https = new HttpsAgent({
        ...AGENT,
        ...(ca === undefined ? {} : { ca }),
        ...client,
        ...(serverName === undefined ? {} : { servername: serverName }),
      });
      this.#agent = { access, https };
    }
    return this.#agent.https;
  }
}

const AGENT = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: IDLE_CONNECTIONS_MAX } as const;

function answered(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    // Stays for good: after the response an error comes here as well as to its reader.
    outgoing.on('error', reject);
  });
}

function assertProtected({ protocol, hostname }: URL): void {
  if (protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]') return;
  if (/^127(\.\d+){3}$/.test(hostname)) return;
  throw new KubeError('credentials', 'credentials are sent over https only, or to this machine');
}
