import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import { postAnswer } from './answers.ts';
import {
  type ClientParts,
  type Gateway,
  LOOPBACK,
  pick,
  problemIn,
  RETRY_MS_MAX,
  type Shown,
  TOKEN_LIVES,
} from './client-parts.ts';

const HEADERS_MS_MAX = 5_000;
/** Eighths of a second are exact in binary, so that `exp` says the same in seconds. */
const EXPIRY_GRAIN_MS = 125;

/** One connection and what comes through it, written down as it comes. */
export class ClientStream {
  opened = false;
  retryMs = RETRY_MS_MAX;
  /** The last token, whatever it was shown for. */
  shown: Shown | undefined;
  readonly #parts: ClientParts;
  readonly #gateway: Gateway;
  readonly #resume: string | undefined;
  readonly #answers: () => boolean;
  readonly #over = Promise.withResolvers<void>();
  #response: IncomingMessage | undefined;
  #problem: { readonly code?: string } = {};
  #gone = false;
  #lifetime: NodeJS.Timeout | undefined;

  constructor(parts: ClientParts, gateway: Gateway, resume: string | undefined, answers: () => boolean) {
    this.#parts = parts;
    this.#gateway = gateway;
    this.#resume = resume;
    this.#answers = answers;
  }

  /** Resolves when it is over, for whatever reason. */
  async run(ttlMs: number, onId: (id: string) => void): Promise<void> {
    const { history, name, path } = this.#parts;
    const { from, until, text, token } = this.#mint(ttlMs);
    const authorization = `Bearer ${text}`;
    history.record({ kind: 'authorised', client: name, from, until, token });
    const resume = this.#resume === undefined ? {} : { 'last-event-id': this.#resume };
    const get = request({
      host: this.#gateway.host ?? LOOPBACK,
      port: this.#gateway.port,
      path,
      agent: false,
      headers: { accept: 'text/event-stream', authorization, ...resume },
    });
    const late = setTimeout(() => get.destroy(), HEADERS_MS_MAX);
    get.on('error', () => this.#close('peer'));
    get.on('close', () => this.#close('peer'));
    get.on('response', (response) => {
      clearTimeout(late);
      this.#take(response, onId);
    });
    get.end();
    await this.#over.promise;
    clearTimeout(late);
    clearTimeout(this.#lifetime);
    get.destroy();
  }

  leaveAfter(ms: number): void {
    this.#lifetime = setTimeout(() => this.leave(), ms);
  }

  stay(): void {
    clearTimeout(this.#lifetime);
  }

  leave(): void {
    this.#close('client');
  }

  /** What comes later was never seen by the client. */
  #close(by: 'client' | 'peer'): void {
    if (this.#gone) return;
    this.#gone = true;
    const { history, name } = this.#parts;
    const { name: gateway } = this.#gateway;
    const status = this.#response?.statusCode ?? 0;
    if (status === 200) history.record({ kind: 'cut', client: name, by });
    else history.record({ kind: 'rejected', client: name, gateway, status, ...this.#problem });
    this.opened = false;
    this.#over.resolve();
  }

  #take(response: IncomingMessage, onId: (id: string) => void): void {
    this.#response = response;
    if (response.statusCode !== 200) {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => {
        this.#problem = problemIn(body);
      });
      return;
    }
    if (this.#resume !== undefined) this.#open({ resume: this.#resume });
    // An id is told just before the event of its block; without one, it is a position.
    let id: string | undefined;
    const standAlone = (): void => {
      if (id !== undefined) this.#position(id);
      id = undefined;
    };
    const parser = createParser({
      onId: (next) => {
        if (this.#gone) return;
        standAlone();
        id = next;
        onId(next);
      },
      onEvent: (event) => {
        if (this.#gone) return;
        if (event.id === undefined) standAlone();
        id = undefined;
        this.#event(event);
      },
      onRetry: (ms) => {
        this.retryMs = ms;
      },
    });
    response.setEncoding('utf8').on('data', (text: string) => {
      if (this.#gone) return;
      parser.feed(text);
      if (!this.#gone) standAlone();
    });
    response.on('error', () => this.#close('peer'));
    response.on('close', () => this.#close('peer'));
  }

  #open(at: { readonly resume: string } | { readonly head: string } | object): void {
    if (this.opened) return;
    this.opened = true;
    const { history, name } = this.#parts;
    history.record({ kind: 'opened', client: name, gateway: this.#gateway.name, ...at });
  }

  #position(id: string): void {
    if (this.opened) this.#parts.history.record({ kind: 'position', client: this.#parts.name, id });
    else this.#open({ head: id });
  }

  #event({
    id,
    event = 'message',
    data,
  }: {
    id?: string | undefined;
    event?: string | undefined;
    data: string;
  }): void {
    const { history, name: client } = this.#parts;
    this.#open({});
    switch (event) {
      case 'message':
        history.record({ kind: 'event', client, id: id ?? '', ref: data.split(' ', 1)[0] ?? '' });
        return;
      case 'gap':
        history.record({ kind: 'gap', client, ...JSON.parse(data) });
        return;
      case 'end': {
        // Whatever it says of reconnecting, this client does, with a fresh token.
        const { reason }: { reason: string } = JSON.parse(data);
        history.record({ kind: 'ended', client, reason });
        return;
      }
      case 'challenge':
        if (this.#answers()) void this.#answer(JSON.parse(data));
    }
  }

  async #answer({ headers }: { headers: Readonly<Record<string, string>> }): Promise<void> {
    const { gateways, habit, history, name: client, path, random } = this.#parts;
    const { longMs, shortMs } = this.#parts.lives ?? TOKEN_LIVES;
    const { until, text, token } = this.#mint(habit === 'answers' ? shortMs : longMs);
    // Anywhere but where the stream is, if there is anywhere else.
    const others = gateways().filter(({ name }) => name !== this.#gateway.name);
    const gateway = pick(others.length > 0 ? others : gateways(), random);
    if (gateway === undefined) return;
    history.record({ kind: 'answering', client, gateway: gateway.name, until, token });
    const status = await postAnswer({ first: gateway, gateways, path, headers, token: text, random });
    if (!this.#gone) history.record({ kind: 'answered', client, until, status });
  }

  /** Each has an id of its own; a client is one session. */
  #mint(ttlMs: number): Shown & { readonly from: number; readonly until: number } {
    const { mint, name: sid, view } = this.#parts;
    const from = Date.now();
    const until = expiry(from, ttlMs);
    const marks = { jti: randomUUID(), sid };
    const issuedAt = from - (from % 1_000);
    const shown = { text: mint(view, from, until, marks), token: { ...marks, issuedAt } };
    this.shown = shown;
    return { ...shown, from, until };
  }
}

function expiry(from: number, ttlMs: number): number {
  return Math.ceil((from + ttlMs) / EXPIRY_GRAIN_MS) * EXPIRY_GRAIN_MS;
}
