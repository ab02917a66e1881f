/**
 * The page of `tidegate dev`: form fields in, rows out. One stream at a time; the rest of the code is in
 * stream.js (the stream, by the client library), rows.js, countdown.js and endpoints.js.
 */
import { createCountdown } from './countdown.js';
import { sendEvent } from './endpoints.js';
import { createRows } from './rows.js';
import { openStream } from './stream.js';

/** @import { Clock } from './clock.js' */
/** @import { State } from './stream.js' */

/** @type {Clock} */
const clock = {
  now: () => Date.now(),
  every(ms, run) {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
};

const url = field('url');
const lifetime = field('lifetime');
const subject = field('subject');
const types = field('types');
const reauthorize = field('reauthorize');
const data = field('event-data');
const type = field('event-type');
const topic = field('event-topic');
const go = element('go', HTMLButtonElement);
const send = element('send', HTMLButtonElement);
const state = element('state', HTMLElement);
const sent = element('sent', HTMLElement);

const rows = createRows(
  {
    list: element('rows', HTMLOListElement),
    empty: element('empty', HTMLElement),
    count: element('count', HTMLElement),
    clear: element('clear', HTMLButtonElement),
  },
  clock,
);
const countdown = createCountdown(
  {
    frame: element('countdown', HTMLElement),
    label: element('countdown-label', HTMLElement),
    remaining: element('remaining', HTMLElement),
    level: element('level', HTMLProgressElement),
  },
  clock,
);

// An answer may extend every stream of its subject, so each page is somebody else until told otherwise.
subject.value = `page-${crypto.randomUUID().slice(0, 4)}`;

/** @type {ReturnType<typeof openStream> | undefined} */
let stream;

element('stream-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const target = sameOrigin(url.value);
  if (stream !== undefined || target === undefined) return;
  stream = openStream({
    url: target,
    types: types.value.split(/[\s,]+/).filter(Boolean),
    token: () => ({
      sub: subject.value,
      ttl: lifetime.validity.valid ? lifetime.valueAsNumber : Number(lifetime.defaultValue),
    }),
    mayAnswer: () => reauthorize.checked,
    onRow: rows.add,
    onExpiry: countdown.set,
    onState: show,
  });
});

// While a stream runs the button is no submit button, so that Enter in a field doesn't stop it.
go.addEventListener('click', (event) => {
  if (go.type !== 'button') return;
  // By the time the click takes effect it is a submit button again, and would start the next stream.
  event.preventDefault();
  stream?.stop();
});

reauthorize.addEventListener('change', () => {
  if (reauthorize.checked) stream?.answerPending();
});

url.addEventListener('input', () => url.setCustomValidity(''));

element('send-form', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  if (type.value !== '') stream?.hear(type.value);
  send.disabled = true;
  try {
    const id = await sendEvent({
      data: data.value,
      ...(type.value === '' ? {} : { event: type.value }),
      ...(topic.value === '' ? {} : { topic: topic.value }),
    });
    sent.dataset['state'] = 'sent';
    sent.textContent = stream === undefined ? `Sent as ${id}; no stream is open here.` : `Sent as ${id}`;
  } catch (error) {
    sent.dataset['state'] = 'failed';
    sent.textContent = error instanceof Error ? error.message : String(error);
  } finally {
    send.disabled = false;
    if (document.activeElement === document.body) send.focus();
  }
});

/** @param {State} next */
function show(next) {
  state.dataset['state'] = next.kind;
  state.textContent = words(next);
  state.toggleAttribute('data-reason', 'reason' in next);
  const running = next.kind !== 'ended';
  if (!running) stream = undefined;
  go.type = running ? 'button' : 'submit';
  go.textContent = running ? 'Stop' : 'Go';
  go.classList.toggle('primary', !running);
  for (const input of [url, subject, types]) input.readOnly = running;
}

/**
 * @param {State} next
 * @returns {string}
 */
function words(next) {
  switch (next.kind) {
    case 'connecting':
      return 'Connecting';
    case 'open':
      return 'Open';
    case 'reconnecting':
      return next.reason === undefined ? 'Reconnecting' : `Reconnecting: ${next.reason}`;
    case 'ended':
      return next.reason === undefined ? 'Stopped' : `Ended: ${next.reason}`;
  }
}

/**
 * The page's policy lets it connect to its own origin alone; better said than left to the console.
 *
 * @param {string} text
 * @returns {URL | undefined}
 */
function sameOrigin(text) {
  const target = URL.parse(text, location.href);
  if (target?.origin === location.origin) return target;
  url.setCustomValidity(`This page connects to ${location.origin} only.`);
  url.reportValidity();
  return undefined;
}

/**
 * @param {string} id
 * @returns {HTMLInputElement}
 */
function field(id) {
  return element(id, HTMLInputElement);
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`index.html has no #${id}`);
  return found;
}
