/** What happened, newest on top. */

/** @import { Clock } from './clock.js' */

/**
 * @typedef {object} Row
 * @property {'event' | 'challenge' | 'answer' | 'refused' | 'gap' | 'end' | 'note'} kind
 * @property {string} label a word or two: the event's type, the status of an answer
 * @property {string} text
 * @property {string} [id] the event's id
 */

/**
 * @typedef {object} RowElements
 * @property {HTMLOListElement} list
 * @property {HTMLElement} empty
 * @property {HTMLElement} count
 * @property {HTMLButtonElement} clear
 */

/** Older rows go. */
const ROWS_MAX = 500;
/** An event may be 256 KiB; 500 of those would stall the page. */
const TEXT_CHARACTERS_MAX = 4000;

/**
 * Rows wait for the next frame, so that a flood costs one layout a frame and not one an event.
 *
 * @param {RowElements} elements
 * @param {Clock} clock
 */
export function createRows({ list, empty, count, clear }, clock) {
  /** @type {HTMLLIElement[]} */
  let waiting = [];
  let events = 0;

  clear.addEventListener('click', () => {
    waiting = [];
    events = 0;
    list.replaceChildren();
    describe();
    // The button is gone, and the focus must not go with it.
    empty.focus();
  });

  return {
    /** @param {Row} row */
    add(row) {
      if (row.kind === 'event') events += 1;
      waiting.push(render(row, new Date(clock.now())));
      if (waiting.length === 1) requestAnimationFrame(flush);
      if (waiting.length > ROWS_MAX) waiting.shift();
    },
  };

  function flush() {
    list.prepend(...waiting.toReversed());
    waiting = [];
    while (list.childElementCount > ROWS_MAX) list.lastElementChild?.remove();
    describe();
  }

  function describe() {
    const none = list.childElementCount === 0;
    empty.hidden = !none;
    clear.hidden = none;
    count.textContent = none ? '' : `${events} received`;
  }
}

/**
 * @param {Row} row
 * @param {Date} at
 * @returns {HTMLLIElement}
 */
function render({ kind, label, text, id }, at) {
  const row = document.createElement('li');
  row.dataset['kind'] = kind;
  const time = document.createElement('time');
  time.dateTime = at.toISOString();
  time.textContent = `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  row.append(time, span('label', label), span('text', shortened(text)));
  if (id !== undefined) row.append(span('id', id));
  return row;
}

/**
 * @param {string} name
 * @param {string} text
 */
function span(name, text) {
  const made = document.createElement('span');
  made.className = name;
  made.textContent = text;
  return made;
}

/** @param {string} text */
function shortened(text) {
  const beyond = text.length - TEXT_CHARACTERS_MAX;
  return beyond > 0 ? `${text.slice(0, TEXT_CHARACTERS_MAX)}… (${beyond} characters more)` : text;
}
