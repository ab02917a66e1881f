import { Fifo } from '../core/fifo.ts';

/** Range reads under way at once; a storm of resuming clients waits its turn. */
const READS_MAX = 8;

/** Bounds how many reads are under way, and lets whoever asks for the same share one. */
export class SharedReads<Result> {
  readonly #underWay = new Map<string, Promise<Result>>();
  readonly #queue = new Fifo<() => void>();
  #running = 0;

  read(key: string, start: () => Promise<Result>): Promise<Result> {
    const shared = this.#underWay.get(key);
    if (shared !== undefined) return shared;
    const result = this.#inTurn(start).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, result);
    return result;
  }

  async #inTurn(start: () => Promise<Result>): Promise<Result> {
    if (this.#running < READS_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await start();
    } finally {
      // A place goes straight to who has waited: one set free could be taken before the other has noticed.
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
