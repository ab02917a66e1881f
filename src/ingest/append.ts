import type { Publisher } from '../bus/bus.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';
import type { Event } from '../core/event.ts';
import type { EventId } from '../core/event-id.ts';
import { LineError } from './line-error.ts';

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2000;

export interface AppendParts {
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly rules: () => { readonly maxStallMs: number };
}

/**
 * One producer's way into the log. Events go without waiting for one another; once the log has not taken one, it and
 * all that come after it take their turn, so that they are repeated in the producer's order.
 */
export class Append {
  readonly #parts: AppendParts;
  #repeating = 0;

  constructor(parts: AppendParts) {
    this.#parts = parts;
  }

  /**
   * @param earlier resolves when all that the producer sent before has its outcome; it never rejects
   * @throws LineError `unavailable` when the log has not taken the event within `maxStallMs`
   */
  async event(event: Event, key: string | undefined, earlier: Promise<void>): Promise<EventId> {
    const { clock, publisher } = this.#parts;
    const since = clock.monotonicMs();
    if (this.#repeating === 0) {
      try {
        return await publisher.publish(event, key);
      } catch (error) {
        assertRetryable(error);
      }
    }
    this.#repeating++;
    try {
      await earlier;
      return await this.#repeat(event, key, since);
    } finally {
      this.#repeating--;
    }
  }

  async #repeat(event: Event, key: string | undefined, since: number): Promise<EventId> {
    const { clock, publisher, rules } = this.#parts;
    let failure: unknown;
    for (let delayMs = RETRY_MIN_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      if (clock.monotonicMs() - since >= rules().maxStallMs) throw unavailable(failure);
      try {
        return await publisher.publish(event, key);
      } catch (error) {
        assertRetryable(error);
        failure = error;
      }
      await sleep(clock, delayMs);
    }
  }
}

function assertRetryable(error: unknown): void {
  if (!(error instanceof CodedError) || !error.retryable) throw unavailable(error);
}

function unavailable(cause: unknown): LineError {
  return new LineError('unavailable', 'the log can not be reached; try again', { cause });
}
