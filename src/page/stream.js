/**
 * One stream, kept authorised: a native EventSource, and an answer to each of its challenges.
 * This is all that an application needs; the rows it reports are for the eye.
 */
import { mintToken, problemOf } from './endpoints.js';

/** @import { Clock } from './clock.js' */
/** @import { Row } from './rows.js' */

/**
 * @typedef {{ kind: 'connecting' } | { kind: 'open' } | { kind: 'reconnecting', reason?: string } | { kind: 'ended', reason?: string }} State
 *   `ended` without a reason: the user's wish
 */

/**
 * @typedef {object} StreamOptions
 * @property {URL} url
 * @property {readonly string[]} types event types besides `message`
 * @property {() => { sub: string, ttl: number }} token what the next one is to say
 * @property {() => boolean} mayAnswer
 * @property {Clock} clock
 * @property {(row: Row) => void} onRow
 * @property {(expiresAt: number | undefined) => void} onExpiry
 * @property {(state: State) => void} onState
 */

/** Own types of the gateway, and of EventSource itself. */
const OWN_TYPES = new Set(['challenge', 'gap', 'end', 'open', 'error']);
/** Not yet, too often, or the owner was not reached: the same answer may do in a moment. */
const PASSING = new Set([409, 429, 503]);
const ANSWER_TRIES_MAX = 3;
const ANSWER_PAUSE_MS = 1000;

/** @param {StreamOptions} options */
export function openStream({ url, types, token: wanted, mayAnswer, clock, onRow, onExpiry, onState }) {
  const heard = new Set(['message', ...types]);
  /** @type {EventSource | undefined} */
  let source;
  /** @type {string | undefined} the data of a challenge that nobody answered yet */
  let pending;
  let lastEventId = '';
  let ended = false;

  void connect();
  return { stop: () => finish(), hear, answerPending };

  async function connect() {
    onState({ kind: 'connecting' });
    try {
      const { token, expiresAt } = await mintToken(wanted());
      if (ended) return;
      onExpiry(expiresAt);
      // An EventSource can't send headers, so the token rides in the URL (RFC 6750, 2.3).
      const target = new URL(url);
      target.searchParams.set('access_token', token);
      if (lastEventId !== '') target.searchParams.set('lastEventId', lastEventId);
      listen(new EventSource(target));
    } catch (error) {
      finish(`no token (${error instanceof Error ? error.message : error})`);
    }
  }

  /** @param {EventSource} opened */
  function listen(opened) {
    source = opened;
    let wasOpen = false;
    opened.addEventListener('open', (event) => {
      if (event instanceof MessageEvent) return message(event);
      wasOpen = true;
      onState({ kind: 'open' });
    });
    opened.addEventListener('error', (event) => {
      // A producer may have chosen this type.
      if (event instanceof MessageEvent) return message(event);
      if (opened.readyState === EventSource.CONNECTING) return onState({ kind: 'reconnecting' });
      void refused(opened.url, wasOpen);
    });
    opened.addEventListener('challenge', ({ data }) => challenged(data));
    opened.addEventListener('gap', ({ data }) => onRow({ kind: 'gap', label: 'gap', text: gap(data) }));
    opened.addEventListener('end', ({ data }) => end(data));
    for (const type of heard) if (!OWN_TYPES.has(type)) opened.addEventListener(type, message);
  }

  /**
   * Also from now on.
   *
   * @param {string} type
   */
  function hear(type) {
    if (heard.has(type) || OWN_TYPES.has(type)) return;
    heard.add(type);
    source?.addEventListener(type, message);
  }

  /** @param {MessageEvent} event */
  function message({ data, lastEventId: id, type }) {
    lastEventId = id;
    onRow({ kind: 'event', label: type, text: data, id });
  }

  /** @param {string} data */
  function challenged(data) {
    onRow({ kind: 'challenge', label: 'challenge', text: asked(url, data) });
    pending = data;
    if (mayAnswer()) return void answerPending();
    onRow({ kind: 'note', label: 'no answer', text: 'Reauthorize is off: the stream ends with its token.' });
  }

  async function answerPending() {
    if (pending === undefined) return;
    const challenge = pending;
    pending = undefined;
    for (let tries = 1; !ended && tries <= ANSWER_TRIES_MAX; tries += 1) {
      if (tries > 1) await clock.wait(ANSWER_PAUSE_MS);
      if (await answer(challenge)) return;
    }
  }

  /**
   * Does what the challenge says, and adds a fresh token.
   *
   * @param {string} challenge
   * @returns {Promise<boolean>} whether that settles it
   */
  async function answer(challenge) {
    try {
      const { method, headers } = JSON.parse(challenge);
      const { token, expiresAt } = await mintToken(wanted());
      if (ended) return true;
      const response = await fetch(url, {
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
      });
      if (response.status === 204) {
        const until = new Date(expiresAt).toTimeString().slice(0, 8);
        onRow({ kind: 'answer', label: 'answer', text: `204: authorised until ${until}` });
        if (!ended) onExpiry(expiresAt);
        return true;
      }
      onRow({ kind: 'refused', label: 'answer', text: await problemOf(response) });
      return !PASSING.has(response.status);
    } catch (error) {
      onRow({
        kind: 'refused',
        label: 'answer',
        text: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
  }

  /** @param {string} data */
  function end(data) {
    const { reason, reconnect } = JSON.parse(data);
    onRow({ kind: 'end', label: 'end', text: `${reason}, reconnect: ${reconnect}` });
    if (reconnect) return onState({ kind: 'reconnecting', reason });
    // Left alone, the browser would come back with the same dead token.
    finish(reason);
  }

  /**
   * An EventSource gives up on any status but 200 and doesn't tell which it was, so the question is put again.
   *
   * @param {string} target
   * @param {boolean} wasOpen
   */
  async function refused(target, wasOpen) {
    const { status, text } = await whyRefused(target);
    if (ended) return;
    // The browser came back by itself with the token that the URL began with; answers had replaced it long since.
    if (status === 401 && wasOpen && mayAnswer()) return connect();
    finish(text);
  }

  /** @param {string} [reason] */
  function finish(reason) {
    if (ended) return;
    ended = true;
    source?.close();
    onExpiry(undefined);
    onState(reason === undefined ? { kind: 'ended' } : { kind: 'ended', reason });
  }
}

/** @param {string} target */
async function whyRefused(target) {
  const asking = new AbortController();
  try {
    const response = await fetch(target, { signal: asking.signal });
    // The body of a stream would never end.
    const text = response.ok ? 'the stream was refused' : await problemOf(response);
    return { status: response.status, text };
  } catch {
    return { status: 0, text: 'the server was not reached' };
  } finally {
    asking.abort();
  }
}

/**
 * A challenge as the request that it asks for.
 *
 * @param {URL} url
 * @param {string} challenge
 */
function asked(url, challenge) {
  const { method, headers } = JSON.parse(challenge);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${url.pathname}`, ...lines].join('\n');
}

/** @param {string} data */
function gap(data) {
  const { requested, oldest } = JSON.parse(data);
  const next = oldest === null ? 'nothing is replayed' : `replayed from ${oldest}`;
  return `asked for what follows ${requested}; ${next}`;
}
