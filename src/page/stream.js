/**
 * One stream, kept authorised. `new GuardedEventSource(url, { getToken })` is all that an application needs; what is
 * listened to here besides events is for the eye.
 */
import { mintToken } from './endpoints.js';
import { GuardedEventSource } from './guarded-event-source.js';

/** @import { AnswerEvent, StreamErrorEvent, TokenRequest } from './guarded-event-source.js' */
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
 * @property {(row: Row) => void} onRow
 * @property {(expiresAt: number | undefined) => void} onExpiry
 * @property {(state: State) => void} onState
 */

/** Own types of the gateway, and of the source itself. */
const OWN_TYPES = new Set(['challenge', 'gap', 'end', 'open', 'error', 'answer']);

/** @param {StreamOptions} options */
export function openStream({ url, types, token: wanted, mayAnswer, onRow, onExpiry, onState }) {
  const heard = new Set();
  /** Of the token that was minted last. */
  let expiresAt = 0;
  let wasOpen = false;
  /** @type {(() => void) | undefined} lets the answer to a challenge go on that waits for the user's leave */
  let answerPending;

  const source = new GuardedEventSource(url, { getToken });
  onState({ kind: 'connecting' });
  source.addEventListener('open', (event) => {
    // A producer may have chosen this type, or one of the next two.
    if (event instanceof MessageEvent) return message(event);
    wasOpen = true;
    onState({ kind: 'open' });
  });
  source.addEventListener('error', (event) => (event instanceof MessageEvent ? message(event) : lost(event)));
  source.addEventListener('answer', (event) =>
    event instanceof MessageEvent ? message(event) : told(event),
  );
  source.addEventListener('challenge', ({ data }) => challenged(data));
  source.addEventListener('gap', ({ data }) => onRow({ kind: 'gap', label: 'gap', text: gap(data) }));
  source.addEventListener('end', ({ data }) => end(data));
  for (const type of ['message', ...types]) hear(type);
  return { stop: () => finish(), hear, answerPending: () => answerPending?.() };

  /** @param {TokenRequest} request */
  async function getToken({ signal }) {
    // For a challenge: a connection that is yet to be made needs nobody's leave.
    if (source.readyState === source.OPEN && !mayAnswer()) {
      await new Promise((resolve) => {
        answerPending = () => resolve(undefined);
        signal.addEventListener('abort', resolve);
      });
      signal.throwIfAborted();
    }
    const minted = await mintToken(wanted());
    expiresAt = minted.expiresAt;
    if (source.readyState === source.CONNECTING) onExpiry(expiresAt);
    return minted.token;
  }

  /**
   * Also from now on.
   *
   * @param {string} type
   */
  function hear(type) {
    if (heard.has(type) || OWN_TYPES.has(type)) return;
    heard.add(type);
    source.addEventListener(type, message);
  }

  /** @param {{ data: string, lastEventId: string, type: string }} event */
  function message({ data, lastEventId: id, type }) {
    onRow({ kind: 'event', label: type, text: data, id });
  }

  /** @param {string} data */
  function challenged(data) {
    onRow({ kind: 'challenge', label: 'challenge', text: asked(url, data) });
    if (mayAnswer()) return;
    onRow({ kind: 'note', label: 'no answer', text: 'Reauthorize is off: the stream ends with its token.' });
  }

  /** @param {AnswerEvent} event */
  function told({ ok, status, code, cause }) {
    if (!ok) return onRow({ kind: 'refused', label: 'answer', text: why(status, code, cause) });
    const until = new Date(expiresAt).toTimeString().slice(0, 8);
    onRow({ kind: 'answer', label: 'answer', text: `${status}: authorised until ${until}` });
    onExpiry(expiresAt);
  }

  /** @param {string} data */
  function end(data) {
    const { reason, reconnect } = JSON.parse(data);
    onRow({ kind: 'end', label: 'end', text: `${reason}, reconnect: ${reconnect}` });
    // The source would go on with another token, which is what this box is about.
    if (!reconnect && !mayAnswer()) finish(reason);
  }

  /** @param {StreamErrorEvent} event */
  function lost({ code, status, cause }) {
    const reason = why(status, code, cause);
    if (source.readyState === source.CLOSED || (code === 'no_token' && !wasOpen)) return finish(reason);
    onState({ kind: 'reconnecting', reason });
  }

  /** @param {string} [reason] */
  function finish(reason) {
    source.close();
    onExpiry(undefined);
    onState(reason === undefined ? { kind: 'ended' } : { kind: 'ended', reason });
  }
}

/**
 * @param {number | undefined} status
 * @param {string | undefined} code
 * @param {unknown} cause
 */
function why(status, code, cause) {
  if (code === 'no_token') return `no token (${cause instanceof Error ? cause.message : cause})`;
  return status ? `${status} ${code}` : `${code}`;
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
