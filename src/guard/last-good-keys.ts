import { type KeySet, parseKeySet, sameKeys } from './key-set.ts';
import { KeySetError, type KeySetErrorCode } from './key-set-error.ts';
import type { KeySourceParts, KeyState } from './key-source.ts';

type Parts = Pick<KeySourceParts, 'guard' | 'clock' | 'log' | 'onChange'>;

/** The keys of one source: a good set replaces the one before as a whole, a failure leaves it. */
export class LastGoodKeys {
  #state: KeyState;
  readonly #parts: Parts;

  /** @param state what is known already, from the same place */
  constructor(parts: Parts, state: KeyState = { kind: 'pending' }) {
    this.#parts = parts;
    this.#state = state;
  }

  get state(): KeyState {
    return this.#state;
  }

  /** @returns why it is not a good set, or `undefined` */
  replace(text: string): KeySetErrorCode | undefined {
    try {
      this.#accept(parseKeySet(text));
      return undefined;
    } catch (error) {
      if (!(error instanceof KeySetError)) throw error;
      this.fail(error);
      return error.code;
    }
  }

  /** The source says that nothing has changed. */
  confirm(): void {
    if (this.#state.kind !== 'known') return;
    this.#state = { ...this.#state, at: this.#parts.clock.monotonicMs(), error: undefined };
  }

  fail(error: KeySetError): void {
    const { guard, log, onChange } = this.#parts;
    const before = this.#state;
    // Said once, not at every attempt.
    if (before.kind === 'pending' || before.error !== error.code) {
      log.warn('key set not available', { guard, code: error.code, keysKept: before.kind === 'known' });
    }
    this.#state =
      before.kind === 'known' ? { ...before, error: error.code } : { kind: 'none', error: error.code };
    if (before.kind === 'pending') onChange();
  }

  #accept(set: KeySet): void {
    const { clock, guard, log, onChange } = this.#parts;
    const before = this.#state;
    this.#state = { kind: 'known', set, at: clock.monotonicMs(), error: undefined };
    if (before.kind === 'known' && sameKeys(before.set, set)) return;
    const leftOut = set.faults.length === 0 ? {} : { leftOut: set.faults };
    log[set.faults.length === 0 ? 'info' : 'warn']('keys loaded', {
      guard,
      keys: set.keys.length,
      ...leftOut,
    });
    onChange();
  }
}
