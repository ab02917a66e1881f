import { type EpochMs, type Subject, subject, type Topic, topic } from '../core/brand.ts';
import { type Event, RESERVED_EVENT_TYPES } from '../core/event.ts';
import { assertShallow, isPlain, jsonMembers } from './json-members.ts';
import { LineError, type LineErrorCode } from './line-error.ts';

/** What a producer asks for with one line. */
export interface Publication {
  readonly event: Omit<Event, 'audience'>;
  readonly to: readonly Subject[] | undefined;
  readonly guard: string | undefined;
  readonly ref: string | undefined;
  readonly key: string | undefined;
}

/** Names and references; longer ones are faults. */
const TEXT_CHARACTERS_MAX = 256;
const SUBJECTS_MAX = 1000;
const DEFAULT_TOPIC = topic('events');
const FIELDS: ReadonlySet<string> = new Set(['data', 'event', 'name', 'topic', 'to', 'guard', 'ref', 'key']);

/** The escape sequences of JSON, a surrogate pair as one; only half of one is six characters long. */
const ESCAPES = /\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\./g;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One line → one publication, by all the rules of the contract's section 6.
 *
 * @param dataBytesMax UTF-8 bytes of `data`
 * @throws LineError
 */
export function parseLine(bytes: Buffer, dataBytesMax: number, receivedAt: EpochMs): Publication {
  const text = decode(bytes);
  const fields = parseObject(text);
  // The common line is told apart at once; any other has its members looked for in its text.
  const data = fields['data'];
  const raw = typeof data === 'string' && isPlain(text, fields) ? data : rawData(text);
  assertNames(fields);
  const type = eventType('event' in fields ? fields['event'] : fields['name']);
  return {
    event: {
      topic: eventTopic(fields['topic']),
      ...(type === undefined ? {} : { type }),
      data: eventData(data, raw, dataBytesMax),
      receivedAt,
    },
    to: recipients(fields['to']),
    guard: optionalText(fields['guard'], 'guard', 'bad_guard'),
    ref: optionalText(fields['ref'], 'ref', 'bad_ref'),
    key: optionalText(fields['key'], 'key', 'bad_key'),
  };
}

/** The reference of a line that was refused, if it can be told. */
export function refOf(bytes: Buffer): string | undefined {
  try {
    return optionalText(parseObject(decode(bytes))['ref'], 'ref', 'bad_ref');
  } catch {
    // The line is refused for something graver already.
    return undefined;
  }
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new LineError('bad_utf8', 'the line is not UTF-8', { cause });
  }
}

/** V8's JSON.parse needs no stack for what nests, so depth is looked at afterwards. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the cause: its message quotes the line.
    throw new LineError('not_json', 'the line is not JSON');
  }
  if (!isObject(value)) throw new LineError('not_object', 'the line is JSON, but not an object');
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `data` as the producer wrote it, but for white space between tokens. */
function rawData(text: string): string | undefined {
  assertShallow(text);
  return jsonMembers(text).get('data');
}

function assertNames(fields: Readonly<Record<string, unknown>>): void {
  for (const name in fields) {
    if (FIELDS.has(name)) continue;
    throw new LineError('unknown_field', `there is no such field, only ${[...FIELDS].join(', ')}`);
  }
  if ('event' in fields && 'name' in fields) {
    throw new LineError('duplicate_field', '"name" is another word for "event": only one of them');
  }
}

function eventData(value: unknown, raw: string | undefined, bytesMax: number): string {
  if (raw === undefined) throw new LineError('no_data', 'the field "data" is missing');
  const data = typeof value === 'string' ? value : raw;
  // `\ud800` in the source passes UTF-8 and JSON, but no client could read it back.
  if (data === value ? !data.isWellFormed() : hasLoneEscape(raw)) {
    throw new LineError('lone_surrogate', 'data holds half of a surrogate pair');
  }
  if (Buffer.byteLength(data) > bytesMax) throw new LineError('too_large', `data is over ${bytesMax} bytes`);
  return data;
}

/** Anywhere in JSON text, in names and in members that are overridden too, since all of it is passed on. */
function hasLoneEscape(raw: string): boolean {
  return raw.includes('\\u') && raw.match(ESCAPES)?.some(({ length }) => length === 6) === true;
}

function eventType(value: unknown): string | undefined {
  const type = optionalText(value, 'event', 'bad_event');
  if (type !== undefined && RESERVED_EVENT_TYPES.has(type)) {
    throw new LineError(
      'reserved_event',
      `the event types ${[...RESERVED_EVENT_TYPES].join(', ')} are the gateway's own`,
    );
  }
  return type;
}

function eventTopic(value: unknown): Topic {
  const text = optionalText(value, 'topic', 'bad_topic');
  return text === undefined ? DEFAULT_TOPIC : topic(text);
}

function recipients(value: unknown): readonly Subject[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  // Nobody at all is more likely a fault of the producer's than meant.
  if (list.length === 0) throw new LineError('bad_to', '"to" names nobody');
  if (list.length > SUBJECTS_MAX)
    throw new LineError('bad_to', `"to" names more than ${SUBJECTS_MAX} subjects`);
  return list.map((each) => {
    const text = optionalText(each, 'to', 'bad_to');
    if (text === undefined) throw new LineError('bad_to', '"to" must be a subject or a list of subjects');
    return subject(text);
  });
}

/** Text that goes into one line of a stream, an index or a reply. */
function optionalText(value: unknown, field: string, code: LineErrorCode): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '')
    throw new LineError(code, `"${field}" must be a text that is not empty`);
  if (value.length > TEXT_CHARACTERS_MAX) {
    throw new LineError(code, `"${field}" is over ${TEXT_CHARACTERS_MAX} characters`);
  }
  if (/[\r\n\0]/.test(value)) throw new LineError(code, `"${field}" holds CR, LF or NUL`);
  if (!value.isWellFormed())
    throw new LineError('lone_surrogate', `"${field}" holds half of a surrogate pair`);
  return value;
}
