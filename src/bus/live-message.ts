import type { LoggedEvent } from '../core/event.ts';
import { type EventId, ORIGIN, parseEventId } from '../core/event-id.ts';
import { readHead } from './record.ts';

/** All that the live channel carries. The scripts write it: `append.lua` and `probe.lua`. */
export type LiveMessage =
  | { readonly kind: 'event'; readonly event: LoggedEvent }
  /** Where the log stands, sent about once a second by whichever gateway has seen none for that long. */
  | { readonly kind: 'probe'; readonly nonce: string; readonly head: EventId; readonly generation: string };

/** @returns `undefined` when it is neither */
export function parseLiveMessage(message: string): LiveMessage | undefined {
  return message.startsWith('? ') ? parseProbe(message) : parseEvent(message);
}

/** `ID PREVIOUS RECORD` */
function parseEvent(message: string): LiveMessage | undefined {
  const first = message.indexOf(' ');
  const second = message.indexOf(' ', first + 1);
  if (first < 0 || second < 0) return undefined;
  const event = parseEntry(
    message.slice(0, first),
    message.slice(first + 1, second),
    message.slice(second + 1),
  );
  return event === undefined ? undefined : { kind: 'event', event };
}

/** `? NONCE HEAD GENERATION` */
function parseProbe(message: string): LiveMessage | undefined {
  const [, nonce, head = '', generation] = message.split(' ');
  const id = parseEventId(head);
  if (nonce === undefined || id === undefined || generation === undefined) return undefined;
  return { kind: 'probe', nonce, head: id, generation };
}

/** The id of the last event that was read, which the next one mostly has as its `previous`. */
let latest: EventId = ORIGIN;

/** An event of the log, whichever way it came. */
export function parseEntry(id: string, previous: string, record: string): LoggedEvent | undefined {
  const ownId = parseOwnId(id);
  const ownPrevious = previous === latest ? latest : parseOwnId(previous);
  const read = readHead(record);
  if (ownId === undefined || ownPrevious === undefined || read === undefined) return undefined;
  latest = ownId;
  // One object: this is most of what following costs beside the client's own share.
  return { ...read.head, data: record.slice(read.text.length), id: ownId, previous: ownPrevious };
}

/** The longest text that V8 copies when it is cut out of another; a longer one keeps the other in memory. */
const COPIED_MAX = 12;

/** A ring keeps ids, and must not by them keep the messages that they came in. */
function parseOwnId(text: string): EventId | undefined {
  return parseEventId(text.slice(0, COPIED_MAX) + text.slice(COPIED_MAX));
}
