import type { Clock } from '../core/clock.ts';
import { REVOCATIONS_MAX, type Revocation, widened } from '../core/revocation.ts';
import type { Once, PutOutcome, RevocationFollower, RevocationStore } from './revocation-store.ts';

/** Revocations of one process, as long as it runs: for `dev`. */
export class MemoryRevocations implements RevocationStore {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #kept = new Map<string, Revocation>();
  /** What came under a key, and until when that counts. */
  readonly #once = new Map<string, { readonly mark: string; readonly until: number }>();
  #follower: RevocationFollower | undefined;

  constructor(clock: Clock, max = REVOCATIONS_MAX) {
    this.#clock = clock;
    this.#max = max;
  }

  async put(revocations: readonly Revocation[], once?: Once): Promise<PutOutcome> {
    const now = this.#clock.now();
    this.#forget(now);
    const taken = once && this.#once.get(once.key);
    if (taken !== undefined && taken.mark !== once?.mark) return 'repeated';
    const living = revocations.filter(({ expiresAt }) => expiresAt > now);
    const added = living.filter(({ key }) => !this.#kept.has(key)).length;
    if (added > 0 && this.#kept.size + added > this.#max) return 'full';
    if (once !== undefined) this.#once.set(once.key, { mark: once.mark, until: now + once.forMs });
    for (const each of living) {
      const next = widened(this.#kept.get(each.key), each);
      if (next !== undefined) this.#kept.set(next.key, next);
    }
    this.#follower?.take(living);
    return 'stored';
  }

  async follow(follower: RevocationFollower): Promise<void> {
    this.#follower = follower;
    follower.take([...this.#kept.values()]);
  }

  ageMs(): number {
    return 0;
  }

  stop(): void {
    this.#follower = undefined;
  }

  #forget(now: number): void {
    for (const { key, expiresAt } of this.#kept.values()) if (expiresAt <= now) this.#kept.delete(key);
    for (const [key, { until }] of this.#once) if (until <= now) this.#once.delete(key);
  }
}
