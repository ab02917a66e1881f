import type { LoggedEvent } from '../core/event.ts';
import { type EventId, ORIGIN, parseEventId } from '../core/event-id.ts';
import { type Head, readHead } from './record.ts';

/** All that the live channel carries. The scripts write it: `append.lua` and `probe.lua`. */
export type LiveMessage =
  | { readonly kind: 'event'; readonly event: LoggedEvent }
  /** Where the log stands, sent about once a second by whichever gateway has seen none for that long. */
  | { readonly kind: 'probe'; readonly nonce: string; readonly head: EventId; readonly generation: string };

const QUESTION_MARK = 0x3f;
const SPACE = 0x20;
const LF = 0x0a;

/**
 * From its bytes: what is the same as in the message before, which is the head and, one place on, the id, is then compared
 * instead of being read, and an id is a text of its own. One cut out of a text would keep all of that text in memory.
 *
 * @returns `undefined` when it is neither
 */
export function parseLiveMessage(message: Buffer): LiveMessage | undefined {
  return message[0] === QUESTION_MARK ? parseProbe(message.toString()) : parseEvent(message);
}

/** The id of the last event that was read, which the next one mostly has as its `previous`. */
let latestId: EventId = ORIGIN;

/** `ID PREVIOUS RECORD` */
function parseEvent(message: Buffer): LiveMessage | undefined {
  const idEnd = message.indexOf(SPACE);
  const id = parseEventId(message.toString('latin1', 0, idEnd));
  if (id === undefined) return undefined;
  const previous = idAt(message, idEnd + 1);
  if (previous === undefined) return undefined;
  const recordAt = idEnd + 1 + previous.length + 1;
  const read = headAt(message, recordAt);
  if (read === undefined) return undefined;
  latestId = id;
  const data = message.toString('utf8', recordAt + read.bytes.length);
  return { kind: 'event', event: logged(read.head, data, id, previous) };
}

/** The id that begins here and ends with a space. */
function idAt(message: Buffer, at: number): EventId | undefined {
  if (beginsWithLatestId(message, at)) return latestId;
  return parseEventId(message.toString('latin1', at, message.indexOf(SPACE, at)));
}

function beginsWithLatestId(message: Buffer, at: number): boolean {
  for (let i = 0; i < latestId.length; i++) if (message[at + i] !== latestId.charCodeAt(i)) return false;
  return message[at + latestId.length] === SPACE;
}

/** The last head that came, with its line break. A copy: it must not keep what was read from the socket. */
let latestHead: { readonly bytes: Buffer; readonly head: Head } | undefined;

function headAt(message: Buffer, at: number): typeof latestHead {
  if (latestHead !== undefined && hasAt(message, at, latestHead.bytes)) return latestHead;
  const bytes = Buffer.from(message.subarray(at, message.indexOf(LF, at) + 1));
  const read = readHead(bytes.toString());
  if (read === undefined) return undefined;
  latestHead = { bytes, head: read.head };
  return latestHead;
}

/** A loop, which for so few bytes costs a quarter of what `Buffer.compare` does. */
function hasAt(message: Buffer, at: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (message[at + i] !== bytes[i]) return false;
  return true;
}

/** `? NONCE HEAD GENERATION` */
function parseProbe(message: string): LiveMessage | undefined {
  const [, nonce, head = '', generation] = message.split(' ');
  const id = parseEventId(head);
  if (nonce === undefined || id === undefined || generation === undefined) return undefined;
  return { kind: 'probe', nonce, head: id, generation };
}

/** An event of the log as it stands there. */
export function parseEntry(id: string, previous: string, record: string): LoggedEvent | undefined {
  const ownId = parseEventId(id);
  const ownPrevious = previous === latestId ? latestId : parseEventId(previous);
  const read = readHead(record);
  if (ownId === undefined || ownPrevious === undefined || read === undefined) return undefined;
  latestId = ownId;
  return logged(read.head, record.slice(read.text.length), ownId, ownPrevious);
}

/** Written out for the most frequent head: a spread costs several times as much. */
function logged(head: Head, data: string, id: EventId, previous: EventId): LoggedEvent {
  const { topic, receivedAt, type, audience } = head;
  if (type === undefined && audience === undefined) return { topic, receivedAt, data, id, previous };
  return { ...head, data, id, previous };
}
