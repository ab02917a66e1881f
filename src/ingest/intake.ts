import type { Publisher } from '../bus/bus.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';
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
  readonly maxStallMs: number;
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
/** Escaping makes a byte six at most (`\u0000`), but a line that needs it all is rare: twice is allowed. */
const ESCAPE_FACTOR = 2;
/** Unanswered lines of one producer; beyond either, its socket is not read. */
const UNANSWERED_LINES_MAX = 1024;
const UNANSWERED_BYTES_MAX = 8_388_608;
/** A producer that is wrong this often in a row is not a producer. */
const BAD_LINES_MAX = 100;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2000;

/** What the owner of a connection does with a line's outcome, in the order of lines. */
export interface IntakeOutput {
  reply(reply: Reply, publication: Publication | undefined): void;
}

/**
 * One producer's bytes → events in the log → replies in the order of its lines. TCP and HTTP share it.
 * Lines are published in order without waiting for one another; `room()` is the back-pressure.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #output: IntakeOutput;
  readonly #splitter: LineSplitter;
  #replies: Promise<void> = Promise.resolve();
  #unansweredLines = 0;
  #unansweredBytes = 0;
  #badInRow = 0;
  #closed = false;
  #room = Promise.withResolvers<void>();

  constructor(parts: IntakeParts, output: IntakeOutput) {
    this.#parts = parts;
    this.#output = output;
    this.#splitter = new LineSplitter(
      () => parts.rules().eventBytesMax * ESCAPE_FACTOR + LINE_OVERHEAD_BYTES,
    );
  }

  /** @returns false when the producer has been wrong too often: nothing more is taken from it */
  push(bytes: Buffer): boolean {
    for (const line of this.#splitter.push(bytes)) {
      if (this.#closed) break;
      this.#take(line);
    }
    return !this.#closed;
  }

  /** The producer has no more. Resolves when every line has its outcome. */
  async end(): Promise<void> {
    if (!this.#closed) for (const line of this.#splitter.end()) this.#take(line);
    await this.#replies;
  }

  get full(): boolean {
    return this.#unansweredLines >= UNANSWERED_LINES_MAX || this.#unansweredBytes >= UNANSWERED_BYTES_MAX;
  }

  /** Resolves when there is room for more lines. */
  async room(): Promise<void> {
    while (this.full) await this.#room.promise;
  }

  #take(line: Line): void {
    if (line.kind === 'line' && line.bytes.length === 0) return;
    const outcome =
      line.kind === 'line' ? this.#publish(line) : this.#refuse(OVERSIZE, line.number, undefined);
    const bytes = line.kind === 'line' ? line.bytes.length : 0;
    this.#unansweredLines++;
    this.#unansweredBytes += bytes;
    const earlier = this.#replies;
    this.#replies = (async () => {
      const { publication, reply } = await outcome;
      await earlier;
      this.#unansweredLines--;
      this.#unansweredBytes -= bytes;
      this.#output.reply(reply, publication);
      this.#room.resolve();
      this.#room = Promise.withResolvers();
    })();
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

  async #log(event: Event, publication: Publication, number: number): Promise<Outcome> {
    const { clock, observer, rules } = this.#parts;
    const since = clock.monotonicMs();
    for (let delayMs = RETRY_MIN_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      try {
        const id = await this.#parts.publisher.publish(event, publication.key);
        observer.line('accepted');
        return { publication, reply: accepted(id, publication.ref) };
      } catch (error) {
        const hopeless = !(error instanceof CodedError) || !error.retryable;
        if (hopeless || clock.monotonicMs() - since >= rules().maxStallMs) {
          observer.line('unavailable');
          const unavailable = new LineError('unavailable', 'the log can not be reached; try again', {
            cause: error,
          });
          return { publication, reply: refused(unavailable, number, publication.ref) };
        }
        await sleep(clock, delayMs);
      }
    }
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
