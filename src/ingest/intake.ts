import type { Publisher } from '../bus/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Event } from '../core/event.ts';
import type { EventId } from '../core/event-id.ts';
import { audienceOf } from './audience.ts';
import type { Carriers } from './carriers.ts';
import { type Publication, parseLine, refOf } from './line.ts';
import { LineError } from './line-error.ts';
import { type Line, LineSplitter } from './line-splitter.ts';
import type { IngestObserver } from './observer.ts';
import type { Reply } from './reply.ts';

/** Rules that may change while producers are connected; read anew for every line. */
export interface IngestRules {
  readonly eventBytesMax: number;
  readonly carriers: Carriers;
}

export interface IntakeParts {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly observer: IngestObserver;
  readonly rules: () => IngestRules;
}

/** JSON escapes and the other fields, beside the data itself. */
const LINE_OVERHEAD_BYTES = 4096;
/**
 * What escaping makes of text: Python's json.dumps writes `\u0434` for the two bytes of a Cyrillic letter, twelve
 * characters for an emoji's four bytes. Control characters may become six, but are rare.
 */
const ESCAPE_FACTOR = 3;
/** Unanswered lines of one producer; beyond either, it is not read. */
const UNANSWERED_LINES_MAX = 1024;
const UNANSWERED_BYTES_MAX = 1_048_576;
/** A producer that is wrong this often in a row is not a producer. */
const BAD_LINES_MAX = 100;

/** What the owner of a connection does with a line's outcome, in the order of lines. */
export interface IntakeOutput {
  reply(reply: Reply, publication: Publication | undefined): void;
}

/**
 * One producer's bytes → events in the log → replies in the order of its lines. TCP and HTTP share it.
 * Lines are published in order without waiting for one another; the bus keeps the order. `room()` is the back-pressure.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #output: IntakeOutput;
  readonly #splitter: LineSplitter;
  readonly #idempotencyKey: string | undefined;
  #replies: Promise<void> = Promise.resolve();
  #unansweredLines = 0;
  #unansweredBytes = 0;
  #badInRow = 0;
  #closed = false;
  #room: PromiseWithResolvers<void> | undefined;

  /** @param idempotencyKey stands for the whole input: a line without a key of its own gets this one and its number */
  constructor(parts: IntakeParts, output: IntakeOutput, idempotencyKey?: string) {
    this.#parts = parts;
    this.#output = output;
    this.#idempotencyKey = idempotencyKey;
    this.#splitter = new LineSplitter(
      () => parts.rules().eventBytesMax * ESCAPE_FACTOR + LINE_OVERHEAD_BYTES,
    );
  }

  /** @returns false when nothing more is taken: the producer has been wrong too often, or `close` was called */
  push(bytes: Buffer): boolean {
    if (this.#closed) return false;
    for (const line of this.#splitter.push(bytes)) {
      this.#take(line);
      if (this.#closed) return false;
    }
    return true;
  }

  /** The producer has no more. Resolves when every line has its outcome. */
  async end(): Promise<void> {
    if (!this.#closed) for (const line of this.#splitter.end()) this.#take(line);
    await this.close();
  }

  /** Takes no more, not even the rest of a line that is not whole. Resolves when every whole line has its outcome. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#replies;
  }

  get full(): boolean {
    return this.#unansweredLines >= UNANSWERED_LINES_MAX || this.#unansweredBytes >= UNANSWERED_BYTES_MAX;
  }

  /** Resolves when there is room for more lines. */
  async room(): Promise<void> {
    while (this.full) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
  }

  #take(line: Line): void {
    if (line.kind === 'line' && line.bytes.length === 0) return;
    const outcome =
      line.kind === 'line' ? this.#publish(line) : this.#refuse(OVERSIZE, line.number, undefined);
    const bytes = line.kind === 'line' ? line.bytes.length : 0;
    this.#unansweredLines++;
    this.#unansweredBytes += bytes;
    this.#replies = this.#answer(outcome, bytes, this.#replies);
  }

  async #answer(outcome: Promise<Outcome> | Outcome, bytes: number, earlier: Promise<void>): Promise<void> {
    const { publication, reply } = await outcome;
    await earlier;
    this.#unansweredLines--;
    this.#unansweredBytes -= bytes;
    this.#output.reply(reply, publication);
    if (this.full) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Parsed at once, in order; what is awaited is the log. */
  #publish({ number, bytes }: Extract<Line, { kind: 'line' }>): Promise<Outcome> | Outcome {
    const { carriers, eventBytesMax } = this.#parts.rules();
    let publication: Publication;
    let event: Event;
    try {
      publication = parseLine(bytes, eventBytesMax, this.#parts.clock.now());
      const audience = audienceOf(publication, carriers);
      event = audience === undefined ? publication.event : { ...publication.event, audience };
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      return this.#refuse(error, number, refOf(bytes));
    }
    this.#badInRow = 0;
    return this.#log(event, publication, number);
  }

  /** Once: whether an event that the bus has given up is in the log after all, only its producer may decide to find out. */
  async #log(event: Event, publication: Publication, number: number): Promise<Outcome> {
    const { observer } = this.#parts;
    const { key = this.#keyOf(number), ref } = publication;
    try {
      const id = await this.#parts.publisher.publish(event, key);
      observer.line('accepted');
      return { publication, reply: accepted(id, ref) };
    } catch (cause) {
      observer.line('unavailable');
      const error = new LineError('unavailable', 'the log can not be reached; try again', { cause });
      return { publication, reply: refused(error, number, ref) };
    }
  }

  /** The n-th line of a repeated input is the n-th line of the first one. Line feeds occur in no other key. */
  #keyOf(number: number): string | undefined {
    return this.#idempotencyKey === undefined ? undefined : `${this.#idempotencyKey}\n${number}`;
  }

  #refuse(error: LineError, number: number, ref: string | undefined): Outcome {
    this.#parts.observer.line('refused');
    if (++this.#badInRow >= BAD_LINES_MAX) {
      this.#closed = true;
      const tooMany = new LineError(
        'too_many_errors',
        `${BAD_LINES_MAX} bad lines in a row, the last: ${error.code}`,
      );
      return { publication: undefined, reply: refused(tooMany, number, ref) };
    }
    return { publication: undefined, reply: refused(error, number, ref) };
  }
}

interface Outcome {
  readonly publication: Publication | undefined;
  readonly reply: Reply;
}

const OVERSIZE = new LineError('too_large', 'the line is too long; it was skipped');

function accepted(id: EventId, ref: string | undefined): Reply {
  return ref === undefined ? { id } : { id, ref };
}

function refused({ code, message }: LineError, line: number, ref: string | undefined): Reply {
  const error = { code, message, line };
  return ref === undefined ? { error } : { error, ref };
}
