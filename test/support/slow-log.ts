import type { Publisher } from '../../src/bus/bus.ts';
import { BusError } from '../../src/bus/bus-error.ts';
import type { Event } from '../../src/core/event.ts';
import { type EventId, eventId } from '../../src/core/event-id.ts';

interface Waiting {
  readonly event: Event;
  readonly key: string | undefined;
  readonly settle: PromiseWithResolvers<EventId>;
}

/** A log that takes an event when the test says so, or can not be reached at all. */
export class SlowLog implements Publisher {
  /** What the log has, in its order, and the key that came with each. */
  readonly data: string[] = [];
  readonly keys: (string | undefined)[] = [];
  readonly events: Event[] = [];
  /** How often it has been asked. */
  attempts = 0;
  /** `held`: takes an event only on `take`. `away`: refuses at once, to be repeated. */
  mode: 'ready' | 'held' | 'away' = 'ready';
  readonly #waiting: Waiting[] = [];

  publish(event: Event, key?: string): Promise<EventId> {
    this.attempts++;
    if (this.mode === 'away') return Promise.reject(new BusError('the log is away'));
    if (this.mode === 'ready') return Promise.resolve(this.#append(event, key));
    const settle = Promise.withResolvers<EventId>();
    this.#waiting.push({ event, key, settle });
    return settle.promise;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the oldest event that waits, or the one at this place. */
  take(at = 0): void {
    const [waiting] = this.#waiting.splice(at, 1);
    if (waiting === undefined) throw new Error('nothing waits');
    waiting.settle.resolve(this.#append(waiting.event, waiting.key));
  }

  /** The oldest event that waits is not taken. */
  lose(error: Error = new BusError('the connection broke')): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) throw new Error('nothing waits');
    waiting.settle.reject(error);
  }

  #append(event: Event, key: string | undefined): EventId {
    this.events.push(event);
    this.data.push(event.data);
    this.keys.push(key);
    return eventId(1, this.data.length);
  }
}
