import { createHmac, type KeyObject } from 'node:crypto';
import type { Subject } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { InTurns } from '../core/in-turns.ts';
import type { Log } from '../core/log.ts';
import type { ClosedReason, EndedStream } from './observer.ts';

/** As many streams as one pod has by default: one mass cut is told in full. */
const WAITING_MAX = 20_000;
/** Some 10 µs a line, 15 with a hash: after so many the event loop gets its turn for everything else. */
const LINES_A_TURN = 64;
/** 128 bits tell subjects apart; half of a MAC says no more about the key than the whole. */
const HASH_BYTES = 16;
const MS_PER_SECOND = 1000;

export interface AccessLogSettings {
  readonly enabled: boolean;
  /** Absent: no line says anything of the subject. */
  readonly subjectKey: KeyObject | undefined;
}

export interface AccessLogParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly settings: () => AccessLogSettings;
  readonly waitingMax?: number;
}

interface Line {
  readonly fields: Readonly<Record<string, string | number | undefined>>;
  readonly subject: Subject | undefined;
}

/**
 * One line for each stream that has ended. Ten thousand may end at one instant, and what is cut next must not wait for
 * the log: lines are written in later turns, and beyond a bound they are counted instead.
 */
export class AccessLog {
  readonly #parts: AccessLogParts;
  readonly #waiting = new InTurns<Line>(LINES_A_TURN, (line) => this.#write(line));
  #left = 0;

  constructor(parts: AccessLogParts) {
    this.#parts = parts;
  }

  ended(reason: ClosedReason, stream: EndedStream): void {
    const { clock, settings, waitingMax = WAITING_MAX } = this.#parts;
    if (!settings().enabled) return;
    if (this.#waiting.size >= waitingMax) {
      this.#left++;
      return;
    }
    const { authorisation, path, transport, openedAt, events, bytes, challenges } = stream;
    const ageSeconds = Math.max(0, clock.now() - openedAt) / MS_PER_SECOND;
    const fields = {
      guard: authorisation.guard,
      path,
      reason,
      ageSeconds,
      events,
      bytes,
      challenges,
      protocol: transport.protocol,
    };
    this.#waiting.push({ fields, subject: authorisation.subject });
  }

  /** Writes what waits, as when the process is about to end. */
  flush(): void {
    this.#waiting.flush();
  }

  #write({ fields, subject }: Line): void {
    const { log, settings } = this.#parts;
    const { subjectKey } = settings();
    const hashed =
      subjectKey === undefined || subject === undefined ? {} : { subjectHash: hashOf(subject, subjectKey) };
    log.info('stream ended', { ...fields, ...hashed });
    if (this.#waiting.size > 0 || this.#left === 0) return;
    log.warn('streams ended without a line', { count: this.#left });
    this.#left = 0;
  }
}

function hashOf(subject: Subject, key: KeyObject): string {
  return createHmac('sha256', key).update(subject).digest().subarray(0, HASH_BYTES).toString('hex');
}
