import type { GuardedEventSourceInit } from '../../client/guarded-event-source.js';
import { GuardedEventSource } from '../../client/guarded-event-source.js';
import { until } from '../support/until.ts';
import { record } from './recorder.js';

/** The pauses of an answer add up to more than 4 s with the third. */
const LIMIT_MS = 40_000;

/** An event as its listener saw it. */
export interface Entry {
  readonly type: string;
  /** `readyState`, while it was dispatched. */
  readonly state: number;
  readonly code?: string;
  readonly data?: string;
  readonly id?: string;
  readonly ok?: boolean;
  readonly status?: number;
}

/** A source with an account of what it told. */
export class RecordedSource implements Disposable {
  readonly source: GuardedEventSource;
  readonly entries: readonly Entry[];

  constructor(url: string | URL, init?: GuardedEventSourceInit) {
    const { source, entries } = record(GuardedEventSource, String(url), init);
    this.source = source;
    this.entries = entries;
  }

  /** Those of one type. */
  of(type: string): readonly Entry[] {
    return this.entries.filter((entry) => entry.type === type);
  }

  get data(): readonly (string | undefined)[] {
    return this.of('message').map(({ data }) => data);
  }

  /** What every loss of a connection and every failure to make one was told as. */
  get codes(): readonly (string | undefined)[] {
    return this.of('error').map(({ code }) => code);
  }

  /** Resolves when there are so many of a type. */
  seen(type: string, count = 1): Promise<void> {
    return this.#told(() => this.of(type).length >= count, `${count} × ${type}`);
  }

  closed(): Promise<void> {
    return this.#told(() => this.source.readyState === 2, 'it closes');
  }

  #told(condition: () => boolean, what: string): Promise<void> {
    return until(condition, what, LIMIT_MS).catch((error: unknown) => {
      throw new Error(`${error}; it told ${JSON.stringify(this.entries)}`);
    });
  }

  [Symbol.dispose](): void {
    this.source.close();
  }
}
