import type { KeyRef } from '../config/reference.ts';
import type { Timer } from '../core/clock.ts';
import { KeySetError } from './key-set-error.ts';
import type { KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { LastGoodKeys } from './last-good-keys.ts';
import { readReference } from './reference-file.ts';

/** Streams of a key that is gone are to end within a second. Odd, so that several guards do not line up for long. */
const POLL_MS = 487;

/**
 * Keys in a mounted file. It is read again and compared as text: file watching misses symlink swaps on some
 * file systems, and times of change miss two writes in one tick.
 */
export class FileKeySource implements KeySource {
  readonly #reference: KeyRef;
  readonly #parts: KeySourceParts;
  readonly #keys: LastGoodKeys;
  readonly #first = Promise.withResolvers<void>();
  #text: string | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(reference: KeyRef, parts: KeySourceParts, known?: KeyState) {
    this.#reference = reference;
    this.#parts = parts;
    this.#keys = new LastGoodKeys(parts, known);
  }

  get state(): KeyState {
    return this.#keys.state;
  }

  async start(): Promise<void> {
    await this.#read();
    this.#first.resolve();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#first.resolve();
  }

  settled(): Promise<void> {
    return this.#first.promise;
  }

  refresh(): undefined {
    return undefined;
  }

  async #read(): Promise<void> {
    try {
      const text = await readReference(this.#parts.secretsDir, this.#reference);
      if (this.#stopped) return;
      if (text !== this.#text) {
        this.#text = text;
        this.#keys.replace(text);
      }
    } catch (error) {
      if (!(error instanceof KeySetError)) throw error;
      if (this.#stopped) return;
      // The same text is good news after this.
      this.#text = undefined;
      this.#keys.fail(error);
    }
    this.#timer = this.#parts.clock.after(POLL_MS, () => void this.#read());
  }
}
