import type { Clock, Timer } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';
import { Fifo } from '../core/fifo.ts';
import type { Log } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Service } from '../core/service.ts';
import { type BackoffRange, backoffMs } from './backoff.ts';
import { KubeError } from './kube-error.ts';
import type { WorkOutcome, WorkQueueObserver } from './observer.ts';

const BACKOFF: BackoffRange = { minMs: 100, maxMs: 60_000 };
/** What is under way at a stop has so long to end by itself; then its signal is aborted. */
const STOP_MS = 5_000;

/**
 * Brings one thing to where it should be, from whatever state it is in; the key is all it is told.
 *
 * @returns when to look again although nothing has changed; nothing: not before a change
 * @throws CodedError that is not `retryable` when only a change can help; anything else is tried again
 */
export type Work = (
  key: string,
  signal: AbortSignal,
) => Promise<{ readonly againAfterMs: number } | undefined>;

export interface WorkQueueOptions {
  /** In logs and metrics. */
  readonly name: string;
  readonly workersMax: number;
  readonly backoff?: BackoffRange;
}

export interface WorkQueueParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: WorkQueueObserver;
}

/** Where a key is. One that is nowhere is idle and takes no memory. */
type Place =
  | { readonly kind: 'delayed'; readonly dueMs: number; readonly timer: Timer }
  | { readonly kind: 'ready'; readonly sinceMs: number }
  /** `againMs`: it was added meanwhile, to be ready then. */
  | { readonly kind: 'running'; readonly againMs: number | undefined };

/**
 * Keys to be worked on: each by one worker at a time, in the order in which they became ready, never two entries of one.
 * A key that is added while it is worked on is worked on once more afterwards, so no change is missed. It holds as many
 * keys as there are things to work on; none is ever dropped.
 */
export class WorkQueue implements Service {
  readonly #options: WorkQueueOptions;
  readonly #parts: WorkQueueParts;
  readonly #work: Work;
  readonly #places = new Map<string, Place>();
  readonly #ready = new Fifo<string>();
  readonly #failures = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #life: 'new' | 'running' | 'stopped' = 'new';

  constructor(work: Work, options: WorkQueueOptions, parts: WorkQueueParts) {
    this.#work = work;
    this.#options = options;
    this.#parts = parts;
  }

  /** Keys that are waiting for a worker, for their time, or are worked on. */
  get size(): number {
    return this.#places.size;
  }

  /** As soon as a worker is free, also when it was to wait after a failure: something about it has changed. */
  add(key: string): void {
    this.addAfter(key, 0);
  }

  /** Not before `delayMs` have passed; what it was added for earlier stays if that is sooner. */
  addAfter(key: string, delayMs: number): void {
    if (this.#life === 'stopped') return;
    const dueMs = this.#parts.clock.monotonicMs() + delayMs;
    const place = this.#places.get(key);
    switch (place?.kind) {
      case 'ready':
        return;
      case 'running':
        this.#places.set(key, { kind: 'running', againMs: Math.min(dueMs, place.againMs ?? dueMs) });
        return;
      case 'delayed':
        if (place.dueMs <= dueMs) return;
        place.timer.cancel();
        break;
      case undefined:
    }
    this.#place(key, dueMs);
  }

  /** What has been added before is worked on from now. */
  async start(): Promise<void> {
    if (this.#life === 'new') this.#life = 'running';
    this.#dispatch();
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#life = 'stopped';
    for (const place of this.#places.values()) if (place.kind === 'delayed') place.timer.cancel();
    const timer = this.#parts.clock.after(STOP_MS, () => this.#abort.abort());
    await Promise.all(this.#running);
    timer.cancel();
    this.#places.clear();
  }

  #place(key: string, dueMs: number): void {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (dueMs > nowMs) {
      const timer = clock.after(dueMs - nowMs, () => this.#becomeReady(key));
      this.#places.set(key, { kind: 'delayed', dueMs, timer });
    } else this.#becomeReady(key);
  }

  #becomeReady(key: string): void {
    this.#places.set(key, { kind: 'ready', sinceMs: this.#parts.clock.monotonicMs() });
    this.#ready.push(key);
    this.#dispatch();
    this.#observeWaiting();
  }

  #dispatch(): void {
    while (this.#life === 'running' && this.#running.size < this.#options.workersMax) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const running = this.#run(key).finally(() => {
        this.#running.delete(running);
        this.#dispatch();
        this.#observeWaiting();
      });
      this.#running.add(running);
    }
  }

  async #run(key: string): Promise<void> {
    const { clock, observer } = this.#parts;
    const { name } = this.#options;
    const place = this.#places.get(key);
    const startedMs = clock.monotonicMs();
    observer.started(name, startedMs - (place?.kind === 'ready' ? place.sinceMs : startedMs));
    this.#places.set(key, { kind: 'running', againMs: undefined });
    const { outcome, againAfterMs } = await this.#attempt(key);
    observer.finished(name, outcome, clock.monotonicMs() - startedMs);
    this.#leave(key, againAfterMs);
  }

  async #attempt(key: string): Promise<{ outcome: WorkOutcome; againAfterMs: number | undefined }> {
    try {
      const result = await this.#work(key, this.#abort.signal);
      this.#failures.delete(key);
      return { outcome: 'done', againAfterMs: result?.againAfterMs };
    } catch (error) {
      return this.#failed(key, error);
    }
  }

  #failed(key: string, error: unknown): { outcome: WorkOutcome; againAfterMs: number | undefined } {
    const { log, random } = this.#parts;
    const { name, backoff = BACKOFF } = this.#options;
    if (error instanceof CodedError && !error.retryable) {
      this.#failures.delete(key);
      log.error('work failed for good', { queue: name, key, error });
      return { outcome: 'terminal', againAfterMs: undefined };
    }
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const askedMs = error instanceof KubeError ? error.retryAfterMs : 0;
    const againAfterMs = Math.max(backoffMs(failures, backoff, random), askedMs);
    if (!this.#abort.signal.aborted) {
      const level = error instanceof CodedError ? 'warn' : 'error';
      log[level]('work failed, tried again', { queue: name, key, failures, againAfterMs, error });
    }
    return { outcome: 'retry', againAfterMs };
  }

  #leave(key: string, againAfterMs: number | undefined): void {
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (this.#life === 'stopped') return;
    if (place?.kind === 'running' && place.againMs !== undefined) {
      this.addAfter(key, place.againMs - this.#parts.clock.monotonicMs());
    }
    if (againAfterMs !== undefined) this.addAfter(key, againAfterMs);
  }

  #observeWaiting(): void {
    this.#parts.observer.waiting(this.#options.name, this.#ready.size);
  }
}
