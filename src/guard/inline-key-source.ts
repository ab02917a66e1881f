import type { KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { LastGoodKeys } from './last-good-keys.ts';

/** Keys that stand in the guard's document itself. They are there at once, and change with the document. */
export class InlineKeySource implements KeySource {
  readonly #keys: LastGoodKeys;

  constructor(text: string, parts: KeySourceParts) {
    this.#keys = new LastGoodKeys({ ...parts, onChange() {} });
    this.#keys.replace(text);
  }

  get state(): KeyState {
    return this.#keys.state;
  }

  async start(): Promise<void> {}

  stop(): void {}

  async settled(): Promise<void> {}

  refresh(): undefined {
    return undefined;
  }
}
