/** Logs in, listens, and shows what happens; the tokens are in tokens.js, the stream is the client library's. */
import { GuardedEventSource } from './guarded-event-source.js';
import { createTokens, LoggedOutError } from './tokens.js';

const button = /** @type {HTMLButtonElement} */ (document.getElementById('login'));
const state = /** @type {HTMLElement} */ (document.getElementById('state'));
const logout = /** @type {HTMLAnchorElement} */ (document.getElementById('logout'));
const rows = /** @type {HTMLElement} */ (document.getElementById('rows'));
const ROWS_MAX = 200;

const { events, ...settings } = await (await fetch('/settings.json')).json();
const tokens = createTokens(settings);
// Elsewhere, so that this page is here to see its stream end.
logout.href = tokens.logoutUrl;
button.addEventListener('click', () => tokens.login());
if (await tokens.arrive()) listen();
else show('Logged out', true);

function listen() {
  show('Connecting');
  add('token', `signed by ${tokens.kid}, good until ${time(tokens.expiresAt)}`);
  const source = new GuardedEventSource(events, {
    async getToken({ fresh }) {
      const before = tokens.expiresAt;
      try {
        const token = await tokens.get({ fresh });
        if (tokens.expiresAt !== before)
          add('token', `signed by ${tokens.kid}, good until ${time(tokens.expiresAt)}`);
        return token;
      } catch (error) {
        if (error instanceof LoggedOutError) {
          source.close();
          show('Logged out', true);
        }
        throw error;
      }
    },
  });
  source.addEventListener('open', () => show('Open'));
  source.addEventListener('message', ({ data }) => add('event', data));
  source.addEventListener('challenge', () => add('challenge', 'a fresh token, please'));
  source.addEventListener('answer', ({ ok, code }) =>
    add('answer', ok ? 'accepted' : `not accepted: ${code}`),
  );
  source.addEventListener('gap', ({ data }) => add('gap', data));
  source.addEventListener('end', ({ data }) => add('end', data));
  source.addEventListener('error', ({ code }) => {
    const over = source.readyState === source.CLOSED;
    show(over ? `Ended: ${code}` : `Reconnecting: ${code}`, over);
  });
}

/**
 * @param {string} text
 * @param {boolean} [over]
 */
function show(text, over = false) {
  state.textContent = text;
  button.hidden = !over;
  logout.hidden = over;
}

/**
 * @param {string} kind
 * @param {string} text
 */
function add(kind, text) {
  const row = document.createElement('li');
  row.dataset['kind'] = kind;
  row.dataset['at'] = String(Date.now());
  for (const part of [time(Date.now()), kind, text]) {
    row.append(Object.assign(document.createElement('span'), { textContent: part }));
  }
  rows.prepend(row);
  if (rows.childElementCount > ROWS_MAX) rows.lastElementChild?.remove();
}

/** @param {number} at */
function time(at) {
  return new Date(at).toTimeString().slice(0, 8);
}
