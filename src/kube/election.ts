import { type Clock, sleep } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { jitter, type Random } from '../core/random.ts';
import type { Service } from '../core/service.ts';
import type { KubeClient } from './kube-client.ts';
import { isKubeError } from './kube-error.ts';
import { LeaseHold, type LeaseHoldSettings } from './lease-hold.ts';
import { Timeout } from './timeout.ts';

const RETRY_JITTER = 0.2;
/** A release that takes longer is given up: the lease then expires. */
const RELEASE_MS = 2_000;

export interface ElectionSettings extends LeaseHoldSettings {
  /** A leader that could not renew for so long stops to be one; what is left of `leaseMs` is for its work to end. */
  readonly renewDeadlineMs: number;
  /** Between two attempts, of the leader and of the others. */
  readonly retryMs: number;
}

export const ELECTION_TIMES = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 } as const;

export interface ElectionParts {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Runs while this process leads, and ends soon after the signal is aborted; it is not called again before. */
export type Lead = (signal: AbortSignal) => Promise<void>;

/**
 * At most one process leads: the one that holds the Lease. Whether it has expired is judged by how long ago the record
 * changed, as seen here and by monotonic time; clocks are never compared. What a leader began to write before its time
 * was over may still arrive afterwards, so writes must be harmless when they are late.
 */
export class Election implements Service {
  readonly #settings: ElectionSettings;
  readonly #parts: ElectionParts;
  readonly #lead: Lead;
  readonly #hold: LeaseHold;
  readonly #stop = new AbortController();
  /** When the request was sent by which the lease became, or stayed, ours; absent: it is not. */
  #renewedAtMs: number | undefined;
  #campaigning: Promise<void> | undefined;

  /** When `lead` ends by itself, the lease is given up and run for again. */
  constructor(settings: ElectionSettings, lead: Lead, parts: ElectionParts) {
    const { leaseMs, renewDeadlineMs, retryMs } = settings;
    const isOrdered = leaseMs > renewDeadlineMs && renewDeadlineMs > retryMs * (1 + RETRY_JITTER);
    if (leaseMs % 1000 !== 0 || !isOrdered) {
      throw new TypeError('an election needs leaseMs (whole seconds) > renewDeadlineMs > 1.2 retryMs');
    }
    this.#settings = settings;
    this.#lead = lead;
    this.#parts = parts;
    this.#hold = new LeaseHold(settings, parts.client, parts.clock);
  }

  /** Right at this moment, also when the process has been frozen meanwhile. */
  get isLeading(): boolean {
    return this.#leftMs() > 0;
  }

  /** Who holds the lease, as far as is known. */
  get holder(): string | undefined {
    return this.#hold.holder;
  }

  /** Returns at once. */
  async start(): Promise<void> {
    this.#campaigning ??= this.#campaign();
  }

  /** Waits for `lead` to end, holding the lease meanwhile, and releases it. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#campaigning;
  }

  async #campaign(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#attempt(this.#settings.renewDeadlineMs, signal);
      if (this.isLeading) await this.#reign();
      await this.#pause(this.#retryMs(), signal);
    }
  }

  async #reign(): Promise<void> {
    const { log } = this.#parts;
    const { name: lease, identity } = this.#settings;
    log.info('leading', { lease, identity });
    const ended = new AbortController();
    const lost = new AbortController();
    const leading = this.#run(AbortSignal.any([this.#stop.signal, lost.signal])).finally(() => ended.abort());
    while (this.isLeading && !ended.signal.aborted) {
      await this.#pause(Math.min(this.#retryMs(), this.#leftMs()), ended.signal);
      if (this.isLeading && !ended.signal.aborted) await this.#attempt(this.#leftMs());
    }
    if (!this.isLeading) log.warn('not leading any more', { lease, identity, holder: this.holder });
    lost.abort();
    await leading;
    if (this.isLeading) await this.#release();
    this.#renewedAtMs = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      await this.#lead(signal);
    } catch (error) {
      if (!signal.aborted) this.#parts.log.error('what was led has failed', { error });
    }
  }

  /** Takes the lease or renews it. When it can't be found out whether it is ours, what was so far holds until its time is over. */
  async #attempt(limitMs: number, signal?: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const timeout = new Timeout(clock, limitMs, signal);
    const sentAtMs = clock.monotonicMs();
    try {
      const isOurs = await timeout.guard(() => this.#hold.take(timeout.signal));
      this.#renewedAtMs = isOurs ? sentAtMs : undefined;
    } catch (error) {
      const isOvertaken = isKubeError(error, 'conflict', 'already_exists', 'not_found');
      if (!isOvertaken && !this.#stop.signal.aborted) log.warn('the lease can not be had', { error });
    } finally {
      timeout.cancel();
    }
  }

  async #release(): Promise<void> {
    const { clock, log } = this.#parts;
    const timeout = new Timeout(clock, RELEASE_MS);
    try {
      await timeout.guard(() => this.#hold.release(timeout.signal));
    } catch (error) {
      log.warn('the lease was not released and will expire', { error });
    } finally {
      timeout.cancel();
    }
  }

  /** Until it has to be renewed at the latest. */
  #leftMs(): number {
    if (this.#renewedAtMs === undefined) return 0;
    return this.#renewedAtMs + this.#settings.renewDeadlineMs - this.#parts.clock.monotonicMs();
  }

  #retryMs(): number {
    return jitter(this.#settings.retryMs, RETRY_JITTER, this.#parts.random);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#parts.clock, ms, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
