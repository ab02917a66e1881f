import { type CompactToken, parseCompactToken } from './compact-token.ts';
import { cacheKey } from './token-cache.ts';

/** A token as it came, for as long as it is judged. What is needed of it more than once is made once. */
export class PresentedToken {
  readonly #text: string;
  #parsed: CompactToken | undefined;
  #key: { readonly guardUid: string; readonly generation: number; readonly text: string } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws TokenError `malformed` */
  parsed(): CompactToken {
    this.#parsed ??= parseCompactToken(this.#text);
    return this.#parsed;
  }

  /** What its grant by this guard is kept under. */
  key(guardUid: string, generation: number): string {
    if (this.#key?.guardUid !== guardUid || this.#key.generation !== generation) {
      this.#key = { guardUid, generation, text: cacheKey(guardUid, generation, this.#text) };
    }
    return this.#key.text;
  }
}
