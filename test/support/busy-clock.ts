import { FakeClock } from './fake-clock.ts';

/**
 * Every look at monotonic time costs some, as if the machine were busy: a sweep's slice ends after as few streams as
 * it can, so that everything else gets in between.
 */
export class BusyClock extends FakeClock {
  readonly #costMs: number;
  #spentMs = 0;

  constructor(costMs: number) {
    super();
    this.#costMs = costMs;
  }

  override monotonicMs(): number {
    this.#spentMs += this.#costMs;
    return super.monotonicMs() + this.#spentMs;
  }
}
