import type { Brand } from './brand.ts';

/**
 * `<milliseconds>-<sequence>`, the form of a Redis stream id: rising and unique over all pods.
 * Both parts are decimal without leading zeros and at most 2^53 - 1, so that they compare as numbers.
 */
export type EventId = Brand<string, 'EventId'>;

/** The id that lies before every event: the position of an empty log. */
export const ORIGIN: EventId = '0-0' as EventId;

/** @returns the id, or `undefined` when `text` is not one */
export function parseEventId(text: string): EventId | undefined {
  const dash = text.indexOf('-');
  return isNumber(text, 0, dash) && isNumber(text, dash + 1, text.length) ? (text as EventId) : undefined;
}

/** As many digits as 2^53 - 1 has; fewer are always a safe integer. */
const DIGITS_MAX = 16;
const ZERO = 48;
const NINE = 57;

/** A loop, since every event at every gateway comes by here twice, and a regular expression takes four times as long. */
function isNumber(text: string, from: number, to: number): boolean {
  const digits = to - from;
  if (digits < 1 || digits > DIGITS_MAX) return false;
  if (digits > 1 && text.charCodeAt(from) === ZERO) return false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return false;
  }
  return digits < DIGITS_MAX || Number.isSafeInteger(Number(text.slice(from, to)));
}

export function eventId(milliseconds: number, sequence: number): EventId {
  return `${milliseconds}-${sequence}` as EventId;
}

/** Negative when `a` is earlier than `b`, zero when equal, positive when later. */
export function compareEventIds(a: EventId, b: EventId): number {
  if (a === b) return 0;
  // Without leading zeros, a number of more digits is greater, and those of as many are ordered as their texts are.
  const dash = a.indexOf('-');
  const byDigits = dash - b.indexOf('-');
  if (byDigits !== 0) return byDigits;
  if (a.length === b.length || !a.startsWith(b.slice(0, dash))) return a < b ? -1 : 1;
  return a.length - b.length;
}

export function millisecondsOf(id: EventId): number {
  return Number(id.slice(0, id.indexOf('-')));
}

export function sequenceOf(id: EventId): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
