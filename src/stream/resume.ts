import { compareEventIds, type EventId, parseEventId } from '../core/event-id.ts';
import type { Connection } from './connection.ts';
import type { GapReason } from './observer.ts';
import type { Ring, RingEntry } from './ring.ts';

/** Where a resuming stream starts. */
export type ResumePlan =
  /** Served from the ring, after `seq`; the gap is told first. */
  | { readonly kind: 'ring'; readonly seq: number; readonly gap?: ResumeGap }
  /** The ring does not reach back that far; the log has to be asked. */
  | { readonly kind: 'log'; readonly after: EventId };

export interface ResumeGap {
  readonly reason: GapReason;
  /** The first event that is sent, or `null`. */
  readonly oldest: EventId | null;
}

/**
 * @param requested the client's last event id as it came
 * @param eventsMax how many events one stream may be replayed; of more, the latest are
 */
export function planResume(
  requested: string,
  connection: Connection,
  ring: Ring,
  eventsMax: number,
): ResumePlan {
  const after = parseEventId(requested);
  if (after === undefined)
    return { kind: 'ring', seq: ring.headSeq, gap: { reason: 'malformed', oldest: null } };
  if (compareEventIds(after, ring.head) > 0) {
    return { kind: 'ring', seq: ring.headSeq, gap: { reason: 'future', oldest: null } };
  }
  if (compareEventIds(after, ring.floor) < 0) return { kind: 'log', after };
  return latest(connection, ring, ring.seqAfter(after) - 1, eventsMax);
}

/** From `seq`, or from further on when more than `eventsMax` events for this stream follow it. */
function latest(connection: Connection, ring: Ring, seq: number, eventsMax: number): ResumePlan {
  // Most resumes end here: too few events of any kind follow to count those for this stream.
  if (ring.headSeq - seq <= eventsMax) return { kind: 'ring', seq };
  const { topics } = connection.lane;
  let oldest: RingEntry | undefined;
  let events = 0;
  for (let at = ring.headSeq; at > seq; at--) {
    const entry = ring.at(at);
    if (entry === undefined || !topics.has(entry.topic) || !connection.mayReceive(entry)) continue;
    if (++events > eventsMax) {
      // From just before the event that the gap names: a review may change the topics before it is sent.
      const gap = { reason: 'too_far_behind', oldest: oldest?.id ?? null } as const;
      return { kind: 'ring', seq: oldest === undefined ? at : oldest.seq - 1, gap };
    }
    oldest = entry;
  }
  return { kind: 'ring', seq };
}
