import type { Revocation } from '../core/revocation.ts';

/**
 * Where revocations are kept and shared, so that every gateway has them, also one that starts later. Two
 * implementations, one contract suite (`test/bus/revocation-contract.ts`).
 */
export interface RevocationStore {
  /**
   * Keeps all of them until they expire, or none. Resolves when they are kept and in force in this process; every
   * other one has them within a second, or as soon as it can reach the store again.
   *
   * @param once what was stored under its key with another mark before is `repeated`, and changes nothing; with the same
   *   mark it is stored again, so that whoever got no answer can repeat it
   * @throws BusError `unavailable`: nothing is known of them, repeating is safe
   */
  put(revocations: readonly Revocation[], once?: Once): Promise<PutOutcome>;

  /**
   * Gives the follower everything that is kept, then whatever comes. Resolves when it has had all that there was.
   * What the store loses is given back to it by those who follow. Called once.
   *
   * @throws BusError `unavailable` when the store can't be reached to begin with
   */
  follow(follower: RevocationFollower): Promise<void>;

  /** Since the follower was last known to have everything, in milliseconds; 0 where it always has. */
  ageMs(): number;

  /** Idempotent. */
  stop(): void;
}

export interface Once {
  /** A hash. */
  readonly key: string;
  /** Another hash: of what came under the key. */
  readonly mark: string;
  readonly forMs: number;
}

/** `full`: as many are kept as may be, so none of these was. */
export type PutOutcome = 'stored' | 'repeated' | 'full';

/** The set of a process. Neither may throw or wait. */
export interface RevocationFollower {
  /** May be what it has already. */
  take(revocations: readonly Revocation[]): void;
  all(): readonly Revocation[];
}
