import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** Who alone may see an event: subjects as this guard authenticates them. */
export interface Recipients {
  readonly guard: string;
  readonly subjects: readonly string[];
}

/** By what a revocation may find a token, beside the guard and the subject of who shows it. */
export interface TokenMarks {
  readonly jti: string;
  readonly sid: string;
}

export interface Token extends TokenMarks {
  /** Milliseconds since the epoch, in whole seconds, as `iat` has them. */
  readonly issuedAt: number;
}

/**
 * All that can happen in a run, as seen from outside: by producers, by clients and by whoever breaks things.
 * A client is one logical subscriber: it reconnects to whichever gateway with its last id, and has one stream at a time.
 * A reference names one event for ever; it travels as the event's data.
 */
export type Happening =
  /** The line is about to be written to a socket; its fate is unknown until it is told. */
  | {
      readonly kind: 'sent';
      readonly producer: string;
      readonly ref: string;
      readonly topic: string;
      readonly to?: Recipients;
    }
  | { readonly kind: 'acknowledged'; readonly producer: string; readonly ref: string; readonly id: string }
  /** `unavailable`: the log may have it or not. */
  | { readonly kind: 'refused'; readonly producer: string; readonly ref: string; readonly code: string }
  /** What the client may see, before anything else of it. */
  | {
      readonly kind: 'client';
      readonly client: string;
      readonly guard: string;
      readonly subject: string;
      readonly topics: readonly string[];
    }
  /** A token is about to be shown for a stream: wall-clock bounds of what it is worth. */
  | {
      readonly kind: 'authorised';
      readonly client: string;
      readonly from: number;
      readonly until: number;
      readonly token: Token;
    }
  /** The opening block has come; its head id when the client did not resume. */
  | {
      readonly kind: 'opened';
      readonly client: string;
      readonly gateway: string;
      readonly resume?: string;
      readonly head?: string;
    }
  /** A fresh token is about to be sent for the open stream. */
  | {
      readonly kind: 'answering';
      readonly client: string;
      readonly gateway: string;
      readonly until: number;
      readonly token: Token;
    }
  /** `status` 0: no answer came, it may have been applied. */
  | { readonly kind: 'answered'; readonly client: string; readonly until: number; readonly status: number }
  /** No stream: another status than 200, with the problem's code, or 0 when the connection failed. */
  | {
      readonly kind: 'rejected';
      readonly client: string;
      readonly gateway: string;
      readonly status: number;
      readonly code?: string;
    }
  | { readonly kind: 'event'; readonly client: string; readonly id: string; readonly ref: string }
  /** An id without an event: nothing that the client may see is missing up to here. */
  | { readonly kind: 'position'; readonly client: string; readonly id: string }
  | {
      readonly kind: 'gap';
      readonly client: string;
      readonly requested: string;
      readonly oldest: string | null;
    }
  /** `event:end` has come. */
  | { readonly kind: 'ended'; readonly client: string; readonly reason: string }
  /** The connection is gone, by the client's own doing or not. */
  | { readonly kind: 'cut'; readonly client: string; readonly by: 'client' | 'peer' }
  /** A revocation is about to be asked for; each attempt is one of its own. `before` in milliseconds. */
  | {
      readonly kind: 'revoking';
      readonly revocation: string;
      readonly gateway: string;
      readonly guard: string;
      readonly by: 'subject' | 'session' | 'tokenId';
      readonly value: string;
      readonly before?: number;
    }
  /** `status` 204: acknowledged; 0: no answer came, it may be in force. */
  | { readonly kind: 'revoked'; readonly revocation: string; readonly status: number }
  /** A token of somebody's was shown once more, from that wall-clock time on. */
  | {
      readonly kind: 'tried';
      readonly gateway: string;
      readonly guard: string;
      readonly subject: string;
      readonly token: Token;
      readonly from: number;
      readonly status: number;
      readonly code?: string;
    }
  /** `recoveryMs`: gateways may be out of reach of Redis, until so long after its end. */
  | {
      readonly kind: 'fault';
      readonly phase: 'begin' | 'end';
      readonly name: string;
      readonly recoveryMs?: number;
    }
  /** Faults are over, nothing is sent any more, and clients had time to catch up. */
  | { readonly kind: 'settled' };

export type Entry = Happening & {
  /** Milliseconds by the harness's monotonic clock; entries are in this order. */
  readonly at: number;
  /** Milliseconds since the epoch, by the clock that gateways use. */
  readonly wall: number;
};

/** Kept in memory while the run goes on: entries share their strings, a million take some 150 MB. */
export class History {
  readonly entries: Entry[] = [];

  /** @returns the entry's index, which is what verdicts name */
  record(happening: Happening): number {
    const at = Math.round(performance.now() * 1000) / 1000;
    return this.entries.push({ ...happening, at, wall: Date.now() }) - 1;
  }
}

const LINES_PER_WRITE = 4096;

/** One JSON object a line, in order, so that a line's number is the entry's index plus one. */
export async function writeHistory(file: string, entries: readonly Entry[]): Promise<void> {
  await using handle = await open(file, 'w');
  for (let from = 0; from < entries.length; from += LINES_PER_WRITE) {
    const lines = entries.slice(from, from + LINES_PER_WRITE).map((entry) => `${JSON.stringify(entry)}\n`);
    await handle.write(lines.join(''));
  }
}

/** What `writeHistory` wrote; it is not checked again. */
export async function readHistory(file: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    entries.push(JSON.parse(line));
  }
  return entries;
}
