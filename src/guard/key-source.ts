import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { JwksPlaces } from './jwks-places.ts';
import type { KeySet } from './key-set.ts';
import type { KeySetErrorCode } from './key-set-error.ts';
import type { GuardObserver } from './observer.ts';
import type { GuardTracer } from './tracer.ts';

export type JwksSpec = JwtGuardSpec['jwks'];

/** What a guard knows of its keys. Once known, they stay until others take their place. */
export type KeyState =
  /** The first attempt to get them is not over: nothing can be said of any key. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'none'; readonly error: KeySetErrorCode }
  | {
      readonly kind: 'known';
      readonly set: KeySet;
      /** Monotonic, when they were last got or confirmed. */
      readonly at: number;
      /** Why the latest attempt to get newer ones failed. */
      readonly error: KeySetErrorCode | undefined;
    };

/** Where one guard's keys come from. Never rejects: failures are part of the state. */
export interface KeySource {
  readonly state: KeyState;
  /** Resolves when the first attempt is over, well or not, within 5 s. */
  start(): Promise<void>;
  /** No change is told after it. */
  stop(): void;
  /** Resolves when the first attempt is over. */
  settled(): Promise<void>;
  /**
   * A token names a key that is not known: asks the issuer once more, if it may. Within 5 s.
   *
   * @returns `undefined` when there is nobody to ask, or somebody was asked too recently
   */
  refresh(): Promise<void> | undefined;
}

export interface KeySourceParts {
  /** Name of the guard, for logs and metrics. */
  readonly guard: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: GuardObserver;
  /** Absent: nothing is traced. */
  readonly tracer?: GuardTracer | undefined;
  /** Where keys may be fetched from; absent: anywhere. */
  readonly jwksPlaces?: JwksPlaces | undefined;
  /** Where `NAME/KEY` of references are; absent: no reference can be read. */
  readonly secretsDir: string | undefined;
  /** Keys have come, changed, or failed to come the first time. */
  readonly onChange: () => void;
}
