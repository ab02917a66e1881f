/** Tokens of 30 s, told in whole seconds. */
export const MAX_TOKEN_LIFETIME = '32s';
/**
 * So long a revocation may be held: the lifetime of tokens and two seconds for rounding, the minute after which the dead are
 * cleared away, and ten seconds, since between two cycles nobody revokes and so nobody looks.
 */
const HELD_MS_MAX = 32_000 + 2_000 + 61_000 + 10_000;

/** What was asked to be revoked, whatever became of it. */
export class Asked {
  /** When last. What is asked for again is one. */
  readonly #atMs = new Map<string, number>();

  note(guard: string, by: string, value: string): void {
    this.#atMs.set(JSON.stringify([guard, by, value]), performance.now());
  }

  get total(): number {
    return this.#atMs.size;
  }

  /** How many may be held: what was asked for while a revocation may be held. */
  heldMax(): number {
    const sinceMs = performance.now() - HELD_MS_MAX;
    return [...this.#atMs.values()].filter((ms) => ms >= sinceMs).length;
  }
}
