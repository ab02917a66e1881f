import type { Clock } from '../core/clock.ts';
import type { KubeClient } from './kube-client.ts';
import { isKubeError } from './kube-error.ts';
import type { KubeObject } from './kube-object.ts';
import { draftLease, heldSpec, LEASES, type LeaseTerm, readTerm, releasedSpec } from './lease.ts';

export interface LeaseHoldSettings {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this process and no other, also not of its predecessor. */
  readonly identity: string;
  /** Whole seconds. Others wait so long after they saw the last renewal. */
  readonly leaseMs: number;
}

interface Seen {
  readonly lease: KubeObject;
  readonly term: LeaseTerm;
  /** When this version was first seen, by monotonic time. */
  readonly atMs: number;
}

/** One candidate's view of the Lease, and its writes to it. Each is on condition of the version that was seen. */
export class LeaseHold {
  readonly #settings: LeaseHoldSettings;
  readonly #client: Pick<KubeClient, 'get' | 'create' | 'update'>;
  readonly #clock: Clock;
  #seen: Seen | undefined;
  /** Whether what was seen is what we wrote last, so that it need not be read before the next write. */
  #isOurs = false;

  constructor(
    settings: LeaseHoldSettings,
    client: Pick<KubeClient, 'get' | 'create' | 'update'>,
    clock: Clock,
  ) {
    this.#settings = settings;
    this.#client = client;
    this.#clock = clock;
  }

  get holder(): string | undefined {
    return this.#seen?.term.holder;
  }

  /**
   * Takes the lease when it is free, or renews it.
   *
   * @returns whether it is ours
   * @throws KubeError `conflict`, `already_exists` or `not_found` when somebody else was faster, or when a write of ours
   *   had arrived without its answer: the next call looks again
   */
  async take(signal: AbortSignal): Promise<boolean> {
    const { name, namespace, identity, leaseMs } = this.#settings;
    const seen = this.#isOurs ? this.#seen : await this.#read(signal);
    this.#isOurs = false;
    if (seen !== undefined && !this.#isFree(seen)) return false;
    const spec = heldSpec(identity, leaseMs, this.#clock.now(), seen?.term);
    this.#see(
      seen === undefined
        ? await this.#client.create(LEASES, draftLease(name, namespace, spec), { signal })
        : await this.#client.update(LEASES, { ...seen.lease, spec }, { signal }),
    );
    this.#isOurs = true;
    return true;
  }

  /** Only what is ours. @throws KubeError */
  async release(signal: AbortSignal): Promise<void> {
    if (!this.#isOurs || this.#seen === undefined) return;
    this.#isOurs = false;
    const { lease, term } = this.#seen;
    this.#see(
      await this.#client.update(
        LEASES,
        { ...lease, spec: releasedSpec(this.#clock.now(), term) },
        { signal },
      ),
    );
  }

  async #read(signal: AbortSignal): Promise<Seen | undefined> {
    const { name, namespace } = this.#settings;
    try {
      return this.#see(await this.#client.get(LEASES, { name, namespace }, { signal }));
    } catch (error) {
      if (!isKubeError(error, 'not_found')) throw error;
      this.#seen = undefined;
      return undefined;
    }
  }

  #see(lease: KubeObject): Seen {
    const isSame = this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    const atMs = isSame && this.#seen !== undefined ? this.#seen.atMs : this.#clock.monotonicMs();
    this.#seen = { lease, term: readTerm(lease), atMs };
    return this.#seen;
  }

  #isFree({ term, atMs }: Seen): boolean {
    const { identity, leaseMs } = this.#settings;
    if (term.holder === undefined || term.holder === identity) return true;
    return this.#clock.monotonicMs() - atMs >= (term.durationMs ?? leaseMs);
  }
}
