import type { Clock } from '../core/clock.ts';
import type { EventId } from '../core/event-id.ts';

/** How long a repeat with the same idempotency key appends nothing (contract, section 6). */
export const IDEMPOTENCY_MS = 300_000;
/** Some 20 MB; beyond it the oldest keys are forgotten early. */
const KEYS_MAX = 100_000;

/** Which id the first event with an idempotency key got. */
export class FirstIds {
  readonly #clock: Clock;
  readonly #ids = new Map<string, { readonly id: EventId; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): EventId | undefined {
    const known = this.#ids.get(key);
    return known !== undefined && this.#clock.monotonicMs() < known.untilMs ? known.id : undefined;
  }

  put(key: string, id: EventId): void {
    const nowMs = this.#clock.monotonicMs();
    this.#ids.delete(key);
    this.#ids.set(key, { id, untilMs: nowMs + IDEMPOTENCY_MS });
    // In the order of their coming, so the first that is still good ends the search.
    for (const [oldest, { untilMs }] of this.#ids) {
      if (untilMs > nowMs && this.#ids.size <= KEYS_MAX) break;
      this.#ids.delete(oldest);
    }
  }
}
