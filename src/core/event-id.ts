import type { Brand } from './brand.ts';

/**
 * `<milliseconds>-<sequence>`, the form of a Redis stream id: rising and unique over all pods.
 * Both parts are decimal without leading zeros and at most 2^53 - 1, so that they compare as numbers.
 */
export type EventId = Brand<string, 'EventId'>;

const FORM = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/;

/** The id that lies before every event: the position of an empty log. */
export const ORIGIN: EventId = '0-0' as EventId;

/** @returns the id, or `undefined` when `text` is not one */
export function parseEventId(text: string): EventId | undefined {
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  return Number.isSafeInteger(Number(parts[1])) && Number.isSafeInteger(Number(parts[2]))
    ? (text as EventId)
    : undefined;
}

export function eventId(milliseconds: number, sequence: number): EventId {
  return `${milliseconds}-${sequence}` as EventId;
}

/** Negative when `a` is earlier than `b`, zero when equal, positive when later. */
export function compareEventIds(a: EventId, b: EventId): number {
  return millisecondsOf(a) - millisecondsOf(b) || sequenceOf(a) - sequenceOf(b);
}

export function millisecondsOf(id: EventId): number {
  return Number(id.slice(0, id.indexOf('-')));
}

export function sequenceOf(id: EventId): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
