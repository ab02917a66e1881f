/**
 * An `EventSource` that stays authorised: it reads the stream by `fetch`, so that the token is a header and never in a
 * URL, answers the stream's challenges with fresh tokens, and comes back by itself from the id it was at.
 */

/** @import { GuardedEventSource as Declared, GuardedEventSourceInit } from './guarded-event-source.d.ts' */

/**
 * Why a connection is over, and what may follow: nothing, another one, or one with a fresh token.
 *
 * @typedef {object} Loss
 * @property {string} code
 * @property {number} [status] of the response, if there was one that is no stream
 * @property {unknown} [cause]
 * @property {'later' | 'fresh' | undefined} [next]
 * @property {number} [afterMs] what the server asked for by `Retry-After`
 */

const CONNECTING = /** @type {const} */ (0);
const OPEN = /** @type {const} */ (1);
const CLOSED = /** @type {const} */ (2);

/** Pauses double up to this one, unless the server's own `retry` is longer. */
const BACKOFF_MS_MAX = 30_000;
/** Whatever a server asks for. */
const PAUSE_MS_MAX = 3_600_000;
/** A connection that lasted so long, or brought anything, begins a new count of failures. */
const HEALTHY_MS = 5_000;
/** One request of an answer; the gateway itself gives the owner of a stream 1 s. */
const ANSWER_MS_MAX = 10_000;
/** Tokens that are refused in a row; the last of them closes the source. */
const REFUSALS_MAX = 5;
/** Three times the rarest heartbeat that can be configured, 10 min. */
const SILENCE_MS_MAX = 1_800_000;
/** A gateway's are 33 at most; servers take some kilobytes of headers. */
const ID_CHARACTERS_MAX = 2_048;
/** A problem (RFC 9457) is a few hundred. */
const PROBLEM_CHARACTERS_MAX = 65_536;

/** @implements {Omit<Declared, 'addEventListener' | 'removeEventListener'>} */
export class GuardedEventSource extends EventTarget {
  static CONNECTING = CONNECTING;
  static OPEN = OPEN;
  static CLOSED = CLOSED;
  CONNECTING = CONNECTING;
  OPEN = OPEN;
  CLOSED = CLOSED;

  /** @type {Declared['onopen']} */
  onopen = null;
  /** @type {Declared['onmessage']} */
  onmessage = null;
  /** @type {Declared['onerror']} */
  onerror = null;

  #url;
  #init;
  /** @type {0 | 1 | 2} */
  #state = CONNECTING;
  #lastEventId;
  #retryMs;
  /** Ends whatever is under way: a request, a stream and its answers, a pause. */
  #abort = new AbortController();
  /** Ends the answer to the last challenge. */
  #answering = new AbortController();
  /** Connections in a row that brought nothing. */
  #failures = 0;
  #refusals = 0;
  /** Connections in a row that fell silent. */
  #stalls = 0;
  /** Whether a token that is kept from before will not do. */
  #fresh = false;

  /**
   * @param {string | URL} url
   * @param {GuardedEventSourceInit} [init]
   */
  constructor(url, init = {}) {
    super();
    try {
      this.#url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new DOMException('The URL of the stream is not valid.', 'SyntaxError');
    }
    this.#init = init;
    this.#lastEventId = init.lastEventId ?? '';
    this.#retryMs = init.retryMs ?? 2_000;
    for (const type of /** @type {const} */ (['open', 'message', 'error'])) {
      this.addEventListener(type, (event) => /** @type {any} */ (this)[`on${type}`]?.(event));
    }
    void this.#run();
  }

  get url() {
    return this.#url;
  }

  get readyState() {
    return this.#state;
  }

  get withCredentials() {
    return this.#init.withCredentials === true;
  }

  get lastEventId() {
    return this.#lastEventId;
  }

  close() {
    this.#state = CLOSED;
    this.#abort.abort();
    this.#answering.abort();
  }

  async #run() {
    // Whoever made this gets to listen first, and `getToken` to know what it was made for.
    await undefined;
    while (this.#state !== CLOSED) {
      const { signal } = this.#begin();
      const loss = await this.#connect(signal);
      // Whatever is left of the response, and an answer to what is no longer there.
      this.#abort.abort();
      this.#answering.abort();
      if (this.readyState === CLOSED) return;
      const pauseMs = this.#pauseMs(loss);
      this.#state = pauseMs === undefined ? CLOSED : CONNECTING;
      const { code, status, cause } = loss;
      this.dispatchEvent(Object.assign(new Event('error'), { code, status, cause }));
      // A listener may have closed it.
      if (pauseMs !== undefined && this.#state !== CLOSED) await pause(pauseMs, this.#begin().signal);
    }
  }

  #begin() {
    this.#abort = new AbortController();
    return this.#abort;
  }

  /**
   * One connection, from its token to its end.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<Loss>}
   */
  async #connect(signal) {
    /** @type {Headers} */
    let headers;
    try {
      headers = await this.#authorised({ accept: 'text/event-stream' }, this.#fresh, signal);
    } catch (cause) {
      return { code: 'no_token', cause, next: 'later' };
    }
    if (signal.aborted) return { code: 'closed' };
    const id = this.#lastEventId.length < ID_CHARACTERS_MAX ? bytes(this.#lastEventId) : '';
    // What no header can carry is no place to go on from.
    if (/^[ -~\x80-\xff]+$/.test(id)) headers.set('last-event-id', id);
    let openedAt = Infinity;
    const watch = this.#watch();
    try {
      watch.heard();
      const response = await this.#fetch({ headers, cache: 'no-store', signal });
      if (response.status !== 200) return await this.#refused(response);
      if (!/^text\/event-stream *(;|$)/i.test(response.headers.get('content-type') ?? '') || !response.body) {
        return { code: 'not_a_stream', status: 200 };
      }
      openedAt = performance.now();
      this.#fresh = false;
      this.#refusals = 0;
      this.#state = OPEN;
      this.#emit(new Event('open'));
      return await this.#read(response, response.body.getReader(), watch.heard);
    } catch (cause) {
      return { code: watch.stalled() ? 'silent' : 'network', cause, next: 'later' };
    } finally {
      this.#stalls = watch.stalled() ? this.#stalls + 1 : 0;
      watch.stop();
      if (performance.now() - openedAt > HEALTHY_MS) this.#failures = 0;
    }
  }

  /**
   * WHATWG HTML, 9.2.5 and 9.2.6.
   *
   * @param {Response} response
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {() => void} heard
   * @returns {Promise<Loss>}
   */
  async #read(response, reader, heard) {
    const { origin } = new URL(response.url || this.#url);
    // Keeps what is cut inside a character for the next chunk; of byte order marks Node's would take two.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const charactersMax = this.#init.eventCharactersMax ?? 2 ** 24;
    let rest = '';
    /** What is not looked at if the next text begins with it. */
    let skipped = '\ufeff';
    let data = '';
    let type = '';
    let id = this.#lastEventId;
    /** @param {string} line */
    const field = (line) => {
      const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (name === 'data') data += value + '\n';
      else if (name === 'event') type = value;
      else if (name === 'id' && !value.includes('\0')) id = value;
      else if (name === 'retry' && /^\d+$/.test(value)) this.#retryMs = +value;
    };
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#state === CLOSED || done) return { code: 'network', next: 'later' };
      heard();
      const text = decoder.decode(value, { stream: true });
      if (text === '') continue;
      // A line that ended with CR was over then; a LF that comes later belongs to it.
      const lines = text.slice(text.startsWith(skipped) ? skipped.length : 0).split(/\r\n?|\n/);
      skipped = text.endsWith('\r') ? '\n' : '';
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line) {
          field(line);
          continue;
        }
        this.#lastEventId = id;
        if (data) {
          const told = { data: data.slice(0, -1), lastEventId: id, origin };
          const loss = this.#take(new MessageEvent(type || 'message', told));
          if (loss || this.readyState === CLOSED) return loss ?? { code: 'closed' };
        }
        data = '';
        type = '';
      }
      // What is too large now would be so the next time.
      if (rest.length + data.length > charactersMax) return { code: 'event_too_large' };
    }
  }

  /**
   * @param {MessageEvent<string>} event
   * @returns {Loss | undefined} if the stream ends by it
   */
  #take(event) {
    const { data, type } = event;
    this.#emit(event);
    if (type === 'challenge') {
      if (this.readyState !== CLOSED) void this.#answer(data);
      return undefined;
    }
    if (type === 'end') {
      const { reason, reconnect } = json(data);
      if (typeof reconnect === 'boolean')
        return { code: String(reason), next: this.#after(reason, reconnect) };
    }
    this.#failures = 0;
    return undefined;
  }

  /**
   * What another token may mend is tried with another token; whoever was sent away on purpose stays away.
   *
   * @param {unknown} reason
   * @param {boolean} reconnect
   */
  #after(reason, reconnect) {
    if (reconnect) return 'later';
    return this.#init.getToken && (reason === 'token_expired' || reason === 'guard_changed')
      ? 'fresh'
      : undefined;
  }

  /**
   * Does what a challenge says until that is settled, the stream ends or asks again. To repeat an answer is safe.
   *
   * @param {string} challenge
   */
  async #answer(challenge) {
    this.#answering.abort();
    this.#answering = new AbortController();
    const { signal } = this.#answering;
    const { method = 'POST', headers } = json(challenge);
    /** @type {Headers | undefined} */
    let authorised;
    for (let failures = 0; ; failures += 1) {
      /** @type {Loss} */
      let outcome = { code: 'no_token' };
      try {
        authorised ??= await this.#authorised(headers, true, signal);
        outcome = { code: 'network' };
        const timely = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
        outcome = await problem(await this.#fetch({ method, headers: authorised, signal: timely }));
      } catch (cause) {
        outcome.cause = cause;
      }
      if (signal.aborted) return;
      const { code, status = 0, cause, afterMs = 0 } = outcome;
      const ok = status >= 200 && status < 300;
      this.#emit(Object.assign(new Event('answer'), { ok, code: ok ? undefined : code, status, cause }));
      // The very same token would be refused again.
      if (status === 401 || status === 409) authorised = undefined;
      else if (status && !passing(status)) return;
      await pause(Math.max(jittered(1_000, failures), afterMs), signal);
      if (signal.aborted) return;
    }
  }

  /**
   * @param {HeadersInit} init
   * @param {boolean} fresh
   * @param {AbortSignal} signal
   */
  async #authorised(init, fresh, signal) {
    const headers = new Headers(init);
    const token = await this.#init.getToken?.({ fresh, signal });
    if (token === undefined) return headers;
    // RFC 6750, 2.1. What Headers says of anything else would repeat the token.
    if (!/^[\w.~+/-]+=*$/.test(token)) throw new TypeError('What getToken returned is not a bearer token.');
    headers.set('authorization', `Bearer ${token}`);
    return headers;
  }

  /** @param {RequestInit} init */
  #fetch(init) {
    const credentials = this.withCredentials ? 'include' : 'same-origin';
    return (this.#init.fetch ?? fetch)(this.#url, { credentials, ...init });
  }

  /**
   * @param {Response} response
   * @returns {Promise<Loss>}
   */
  async #refused(response) {
    const loss = await problem(response);
    if (passing(loss.status)) return { ...loss, next: 'later' };
    if (loss.status !== 401 || !this.#init.getToken) return loss;
    this.#refusals += 1;
    return this.#refusals < REFUSALS_MAX ? { ...loss, next: 'fresh' } : loss;
  }

  /**
   * Another token is tried soon: at once where this client was refused, and within `retry` where a change may have ended
   * many streams together.
   *
   * @param {Loss} loss
   * @returns {number | undefined} none: nothing follows
   */
  #pauseMs({ next, status, afterMs = 0 }) {
    if (!next) return undefined;
    const failures = this.#failures;
    this.#failures += 1;
    this.#fresh ||= next === 'fresh';
    if (next === 'fresh' && !failures) return status ? 0 : Math.random() * this.#retryMs;
    return Math.max(jittered(this.#retryMs, failures), afterMs);
  }

  /** Ends a connection that says nothing for too long: longer each time, for heartbeats may be rare. */
  #watch() {
    const limitMs = Math.min((this.#init.silenceMs ?? 60_000) * 2 ** this.#stalls, SILENCE_MS_MAX);
    const connection = this.#abort;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let stalled = false;
    const stop = () => clearTimeout(timer);
    connection.signal.addEventListener('abort', stop);
    return {
      stop,
      stalled: () => stalled,
      heard: () => {
        stop();
        if (!limitMs) return;
        timer = setTimeout(() => {
          stalled = true;
          connection.abort();
        }, limitMs);
      },
    };
  }

  /** @param {Event} event */
  #emit(event) {
    if (this.#state !== CLOSED) this.dispatchEvent(event);
  }
}

/**
 * What a response that is no stream says of itself (RFC 9457).
 *
 * @param {Response} response
 */
async function problem(response) {
  const { status } = response;
  const after = response.headers.get('retry-after') ?? '';
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  let text = '';
  while (reader && text.length < PROBLEM_CHARACTERS_MAX) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  const { code } = json(text);
  return {
    status,
    code: typeof code === 'string' ? code : `http_${status}`,
    // RFC 9110, 10.2.3: seconds or a date.
    afterMs: +after * 1000 || Date.parse(after) - Date.now() || 0,
  };
}

/**
 * Whether the same request may do in a while.
 *
 * @param {number} status
 */
function passing(status) {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Twice as long with each failure, and up to half as long again, so that clients that lost their server together do not
 * come back together.
 *
 * @param {number} ms
 * @param {number} failures
 */
function jittered(ms, failures) {
  const doubled = (ms || 1) * 2 ** Math.min(failures, 16);
  return Math.min(doubled, Math.max(ms, BACKOFF_MS_MAX)) * (1 + Math.random() / 2);
}

/**
 * @param {string} text
 * @returns {any} an object
 */
function json(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/**
 * As header values are sent: UTF-8, a character a byte (WHATWG HTML, 9.2.3).
 *
 * @param {string} text
 */
function bytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    // A timer of more than 24 days would fire at once.
    const timer = setTimeout(resolve, Math.min(ms, PAUSE_MS_MAX));
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
