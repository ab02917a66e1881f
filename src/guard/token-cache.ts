import { hash } from 'node:crypto';
import type { Grant } from './grant.ts';
import type { GuardObserver } from './observer.ts';

/** Some 20 MB with tokens of usual size; the least recently used goes first. */
const GRANTS_MAX = 10_000;

/**
 * Grants of tokens that have been verified, so that a reconnect storm costs no signature checks.
 * Keeps hashes, never tokens. Who finds a grant judges it again: time and keys go on.
 */
export class TokenCache {
  readonly #grants = new Map<string, Grant>();
  readonly #observer: GuardObserver;
  readonly #max: number;

  constructor(observer: GuardObserver, max = GRANTS_MAX) {
    this.#observer = observer;
    this.#max = max;
  }

  get size(): number {
    return this.#grants.size;
  }

  /** Nothing is counted, and the grant is no younger for it. */
  peek(key: string): Grant | undefined {
    return this.#grants.get(key);
  }

  /** @param stands whether the grant is still good; one that is not is forgotten */
  get(key: string, stands: (grant: Grant) => boolean): Grant | undefined {
    const grant = this.#grants.get(key);
    this.#grants.delete(key);
    if (grant === undefined || !stands(grant)) {
      this.#observer.cached('miss');
      return undefined;
    }
    this.#grants.set(key, grant);
    this.#observer.cached('hit');
    return grant;
  }

  put(key: string, grant: Grant): void {
    this.#grants.delete(key);
    this.#grants.set(key, grant);
    if (this.#grants.size <= this.#max) return;
    for (const oldest of this.#grants.keys()) {
      this.#grants.delete(oldest);
      return;
    }
  }
}

/** The whole token, signature too: with another signature it has not been verified. */
export function cacheKey(guardUid: string, generation: number, token: string): string {
  // What stands before the token ends where it says it ends, so no two of three make one text.
  return hash('sha256', JSON.stringify([guardUid, generation]) + token, 'base64url');
}
