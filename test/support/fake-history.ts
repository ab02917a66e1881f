import { setImmediate } from 'node:timers/promises';
import type { LoggedEvent } from '../../src/core/event.ts';
import { compareEventIds, type EventId, ORIGIN } from '../../src/core/event-id.ts';
import type { History } from '../../src/stream/log-replay.ts';

/** The log as replay sees it: it can be trimmed, be slow, and be out of reach. */
export class FakeHistory implements History {
  readonly events: LoggedEvent[] = [];
  unreachable = false;
  reads = 0;
  /** The log's last id. */
  head: EventId = ORIGIN;
  #held: PromiseWithResolvers<void> | undefined;

  async read(after: EventId, max: number) {
    this.reads++;
    await this.#answer();
    const { head } = this;
    const first = this.events.findIndex(({ id }) => compareEventIds(id, after) > 0);
    return { head, events: first < 0 ? [] : this.events.slice(first, first + max) };
  }

  append(event: LoggedEvent): void {
    this.events.push(event);
    this.head = event.id;
  }

  /** Lets the oldest events go. */
  trim(count: number): void {
    this.events.splice(0, count);
  }

  /** No call is answered until `release`. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async #answer(): Promise<void> {
    if (this.#held === undefined) await setImmediate();
    else await this.#held.promise;
    if (this.unreachable) throw new Error('the log is away');
  }
}
