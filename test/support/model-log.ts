import assert from 'node:assert/strict';
import type { LoggedEvent } from '../../src/core/event.ts';
import { ORIGIN } from '../../src/core/event-id.ts';

/** Every event that there ever was. A place is the number of events up to and with one; 0 is before all of them. */
export class ModelLog {
  readonly events: LoggedEvent[] = [];
  /** How many of them the real log has let go of. */
  trimmed = 0;
  readonly #places = new Map<string, number>([[ORIGIN, 0]]);

  add(event: LoggedEvent): void {
    this.#places.set(event.id, this.events.push(event));
  }

  get length(): number {
    return this.events.length;
  }

  placeOf(id: string): number {
    const place = this.#places.get(id);
    assert.ok(place !== undefined, `${id} is an event's id`);
    return place;
  }
}
