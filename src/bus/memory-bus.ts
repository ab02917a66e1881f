import type { Clock } from '../core/clock.ts';
import type { Event, LoggedEvent } from '../core/event.ts';
import { compareEventIds, type EventId, eventId, ORIGIN } from '../core/event-id.ts';
import type { Bus, Follower, Following } from './bus.ts';

export interface MemoryBusOptions {
  readonly clock: Clock;
  readonly bounds: () => { readonly maxEvents: number; readonly maxAgeMs: number; readonly maxBytes: number };
}

export class MemoryBus implements Bus {
  readonly #options: MemoryBusOptions;
  #log: LoggedEvent[] = [];
  #head: EventId = ORIGIN;
  #floor: EventId = ORIGIN;
  #lastMs = 0;
  #sequence = 0;
  #follower: Follower | undefined;

  constructor(options: MemoryBusOptions) {
    this.#options = options;
  }

  async publish(event: Event): Promise<EventId> {
    const now = this.#options.clock.now();
    if (now > this.#lastMs) {
      this.#lastMs = now;
      this.#sequence = 0;
    } else this.#sequence++;
    const id = eventId(this.#lastMs, this.#sequence);
    const logged = { ...event, id };
    this.#log.push(logged);
    this.#head = id;
    const { maxEvents } = this.#options.bounds();
    if (this.#log.length > maxEvents * 1.1) {
      const trimmed = this.#log.splice(0, this.#log.length - maxEvents);
      this.#floor = trimmed.at(-1)?.id ?? this.#floor;
    }
    this.#follower?.event(logged);
    return id;
  }

  async follow(follower: Follower): Promise<Following> {
    this.#follower = follower;
    return {
      head: this.#head,
      stop: () => {
        this.#follower = undefined;
      },
    };
  }

  async read(after: EventId, max: number): Promise<readonly LoggedEvent[]> {
    const start = this.#log.findIndex((event) => compareEventIds(event.id, after) > 0);
    return start < 0 ? [] : this.#log.slice(start, start + max);
  }

  async floor(): Promise<EventId> {
    return this.#floor;
  }

  health() {
    return { connected: true };
  }
}
