import type { Clock } from '../core/clock.ts';
import { type Revocation, widened } from '../core/revocation.ts';
import type { Grant } from './grant.ts';
import { keysOf } from './revocation.ts';

/** The dead are cleared away at most so often; until then they harm nobody, since their tokens are dead too. */
const CLEAR_MS = 60_000;

/**
 * Everything that is revoked at the moment. Its memory is bounded by the store that it is fed from (`REVOCATIONS_MAX`).
 */
export class Revocations {
  readonly #clock: Clock;
  readonly #held = new Map<string, Revocation>();
  readonly #listeners = new Set<(keys: readonly string[]) => void>();
  /** Hashes are made once a grant, however often it is judged. */
  readonly #keys = new WeakMap<Grant, readonly string[]>();
  #clearedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#clearedAtMs = clock.monotonicMs();
  }

  get size(): number {
    this.#clear();
    return this.#held.size;
  }

  /** In force when this returns; what is here already changes nothing. */
  take(revocations: readonly Revocation[]): void {
    this.#clear();
    const now = this.#clock.now();
    const changed: string[] = [];
    for (const each of revocations) {
      const next = each.expiresAt > now ? widened(this.#held.get(each.key), each) : undefined;
      if (next === undefined) continue;
      this.#held.set(next.key, next);
      changed.push(next.key);
    }
    if (changed.length === 0) return;
    for (const listener of this.#listeners) listener(changed);
  }

  /** Those that still count. */
  all(): readonly Revocation[] {
    const now = this.#clock.now();
    return [...this.#held.values()].filter(({ expiresAt }) => expiresAt > now);
  }

  /** Whether the token of this grant is revoked. One that does not say when it was issued counts as issued before. */
  covers(grant: Grant): boolean {
    // The usual case costs nothing, not even the hashes.
    if (this.#held.size === 0) return false;
    const { issuedAt } = grant;
    return this.#keysOf(grant).some((key) => {
      const held = this.#held.get(key);
      return held !== undefined && (issuedAt === undefined || issuedAt < held.before);
    });
  }

  /** As `covers`, by one of these keys: cheap where they are few, however much is held. */
  coversBy(keys: ReadonlySet<string>, grant: Grant): boolean {
    return this.#keysOf(grant).some((key) => keys.has(key)) && this.covers(grant);
  }

  /**
   * Calls back with the keys of what is newly revoked, so that running streams are looked at.
   *
   * @returns takes the listener away
   */
  onChange(listener: (keys: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keysOf(grant: Grant): readonly string[] {
    let keys = this.#keys.get(grant);
    if (keys === undefined) {
      keys = keysOf(grant);
      this.#keys.set(grant, keys);
    }
    return keys;
  }

  #clear(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#clearedAtMs < CLEAR_MS) return;
    this.#clearedAtMs = nowMs;
    const now = this.#clock.now();
    for (const { key, expiresAt } of this.#held.values()) if (expiresAt <= now) this.#held.delete(key);
  }
}
