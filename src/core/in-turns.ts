import { Fifo } from './fifo.ts';

/**
 * Work that is not urgent, in the order in which it came: so many items a turn of the event loop, which has its way
 * with everything else between them.
 */
export class InTurns<Item extends object> {
  readonly #work: (item: Item) => void;
  readonly #itemsATurn: number;
  readonly #waiting = new Fifo<Item>();
  #scheduled = false;

  constructor(itemsATurn: number, work: (item: Item) => void) {
    this.#itemsATurn = itemsATurn;
    this.#work = work;
  }

  get size(): number {
    return this.#waiting.size;
  }

  push(item: Item): void {
    this.#waiting.push(item);
    this.#schedule();
  }

  /** Does now what waits. */
  flush(): void {
    this.#do(Number.POSITIVE_INFINITY);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#do(this.#itemsATurn);
      if (this.#waiting.size > 0) this.#schedule();
    });
  }

  #do(itemsMax: number): void {
    for (let items = 0; items < itemsMax; items++) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#work(item);
    }
  }
}
