/** How long the token is still good for: in words for everybody, as a level that sinks. */

/** @import { Clock } from './clock.js' */

/** Often enough that no second is skipped. */
const PERIOD_MS = 200;
/** From here on it is shown that time runs out. */
const LOW_MS = 10_000;

/**
 * @param {{ frame: HTMLElement, label: HTMLElement, remaining: HTMLElement, level: HTMLProgressElement }} elements
 *   `remaining` has the role `timer`, which screen readers read when asked and not at every change
 * @param {Clock} clock
 */
export function createCountdown({ frame, label, remaining, level }, clock) {
  let expiresAt = 0;
  /** @type {(() => void) | undefined} */
  let cancel;

  return {
    /** @param {number | undefined} at in milliseconds since the Unix epoch; none: no token is in use */
    set(at) {
      cancel?.();
      cancel = undefined;
      frame.hidden = at === undefined;
      level.value = 0;
      if (at === undefined) return;
      expiresAt = at;
      level.max = Math.max(1, at - clock.now());
      cancel = clock.every(PERIOD_MS, tick);
      tick();
    },
  };

  function tick() {
    const leftMs = expiresAt - clock.now();
    const low = String(leftMs <= LOW_MS);
    // An answer from elsewhere may have kept the stream open.
    const over = leftMs <= -1000;
    label.textContent = over ? 'Token expired' : 'Token expires in';
    remaining.textContent = over ? `${words(-leftMs)} ago` : words(Math.max(0, leftMs));
    frame.dataset['low'] = low;
    level.dataset['low'] = low;
    level.value = Math.max(0, leftMs);
  }
}

/** @param {number} ms */
function words(ms) {
  const seconds = Math.ceil(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const units = ['h', 'min', 's'];
  const first = parts.findIndex((part) => part > 0);
  return first === -1
    ? '0 s'
    : parts
        .map((part, index) => `${part} ${units[index]}`)
        .slice(first)
        .join(' ');
}
