/**
 * Time as the page's parts see it.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since the Unix epoch
 * @property {(ms: number, run: () => void) => () => void} every returns what ends it
 */

export {};
