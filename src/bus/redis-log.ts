import type { LoggedEvent } from '../core/event.ts';
import { type EventId, ORIGIN, parseEventId } from '../core/event-id.ts';
import type { Page, WarmUp } from './bus.ts';
import { parseEntry } from './live-message.ts';
import { type Entry, readEntries } from './log-entries.ts';
import type { RedisLink } from './redis-link.ts';
import { SharedReads } from './shared-reads.ts';

/** Entries of one answer, so that a large log does not come in one piece. */
const TAIL_ENTRIES = 500;

/** The log as Redis keeps it, read. */
export class RedisLog {
  readonly #link: RedisLink;
  readonly #pages = new SharedReads<Page>();

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /** As `Subscriber.read`. @throws BusError */
  read(after: EventId, max: number): Promise<Page> {
    return this.#pages.read(`${after} ${max}`, async () => {
      // The head first: a page that is empty or not full shows everything up to there.
      const head = await this.head();
      return { events: (await readEntries(this.#link, after, max, 'forward')).flatMap(toEvent), head };
    });
  }

  /** The log's last id, also when the log has let go of it. @throws BusError */
  async head(): Promise<EventId> {
    const head = await this.#link.ask((redis) => redis.get(this.#link.keys.head));
    return parseEventId(head ?? '') ?? ORIGIN;
  }

  /** The latest events within the bounds, oldest first. @throws BusError */
  async tail({ eventsMax, bytesMax }: WarmUp): Promise<readonly LoggedEvent[]> {
    const latest: LoggedEvent[] = [];
    let bytes = 0;
    for (let before = ''; latest.length < eventsMax; ) {
      const entries = await readEntries(
        this.#link,
        before,
        Math.min(TAIL_ENTRIES, eventsMax - latest.length),
        'backward',
      );
      for (const event of entries.flatMap(toEvent)) {
        bytes += event.data.length;
        if (bytes > bytesMax) return latest.reverse();
        latest.push(event);
      }
      const last = entries.at(-1);
      if (last === undefined) break;
      before = last.id;
    }
    return latest.reverse();
  }
}

/** What is not ours is left out; the chain shows that something is missing. */
function toEvent({ id, fields }: Entry): readonly LoggedEvent[] {
  const event = parseEntry(id, fields['p'] ?? '', fields['r'] ?? '');
  return event === undefined ? [] : [event];
}
