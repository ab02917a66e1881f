import { type EventId, parseEventId } from '../core/event-id.ts';
import { readEntries } from './log-entries.ts';
import type { RedisLink } from './redis-link.ts';

const PAGE_ENTRIES = 500;

/**
 * Which events with these writer's marks the log has after a place, in its order; ends when it has found them all.
 *
 * @throws BusError
 */
export async function findMarks(
  link: RedisLink,
  after: EventId,
  marks: ReadonlySet<string>,
): Promise<ReadonlyMap<string, EventId>> {
  const found = new Map<string, EventId>();
  for (let place: string = after; found.size < marks.size; ) {
    const entries = await readEntries(link, place, PAGE_ENTRIES, 'forward');
    for (const { id, fields } of entries) {
      const mark = fields['w'] ?? '';
      const event = parseEventId(id);
      if (marks.has(mark) && event !== undefined) found.set(mark, event);
    }
    const last = entries.at(-1);
    if (last === undefined) break;
    place = last.id;
  }
  return found;
}
