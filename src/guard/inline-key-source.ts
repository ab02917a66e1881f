import type { KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { LastGoodKeys } from './last-good-keys.ts';

/** Keys that stand in the guard's document itself. They are there at once, and change with the document only. */
export class InlineKeySource implements KeySource {
  readonly #keys: LastGoodKeys;

  constructor(text: string, parts: KeySourceParts, known?: KeyState) {
    // Whoever changed the document tells of it.
    this.#keys = new LastGoodKeys({ ...parts, onChange: () => undefined }, known);
    this.#keys.replace(text);
  }

  get state(): KeyState {
    return this.#keys.state;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {
    // Nothing goes on.
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  refresh(): undefined {
    return undefined;
  }
}
