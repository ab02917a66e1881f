import { compareEventIds, type EventId, parseEventId } from '../core/event-id.ts';
import type { Connection } from './connection.ts';
import type { GapReason } from './observer.ts';
import type { Ring, RingEntry } from './ring.ts';

/** Where a resuming stream starts. */
export type ResumePlan =
  | RingPlan
  /** The ring does not reach back that far; the log has to be asked. */
  | { readonly kind: 'log'; readonly after: EventId }
  /** The client was at a process that had heard more of the log, or it never had an id of this log. */
  | { readonly kind: 'ahead'; readonly after: EventId };

/** Served from the ring, after `seq`; the gap is told first. */
interface RingPlan {
  readonly kind: 'ring';
  readonly seq: number;
  readonly gap?: ResumeGap;
}

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
  if (compareEventIds(after, ring.head) > 0) return { kind: 'ahead', after };
  if (compareEventIds(after, ring.floor) < 0) return { kind: 'log', after };
  const plan = latest(connection, ring, ring.seqAfter(after) - 1, eventsMax);
  if (plan.gap !== undefined || ring.knows(after)) return plan;
  // The client has an event that this log never had, or has no more: what came with it is gone as well.
  return { ...plan, gap: { reason: 'lost', oldest: first(connection, ring, plan.seq)?.id ?? null } };
}

function first(connection: Connection, ring: Ring, seq: number): RingEntry | undefined {
  for (let at = seq + 1; at <= ring.headSeq; at++) {
    const entry = ring.at(at);
    if (entry?.topic !== undefined && connection.mayReceive(entry)) return entry;
  }
  return undefined;
}

/** From `seq`, or from further on when more than `eventsMax` events for this stream follow it. */
function latest(connection: Connection, ring: Ring, seq: number, eventsMax: number): RingPlan {
  // Most resumes end here: too few events of any kind follow to count those for this stream.
  if (ring.headSeq - seq <= eventsMax) return { kind: 'ring', seq };
  let oldest: RingEntry | undefined;
  let events = 0;
  for (let at = ring.headSeq; at > seq; at--) {
    const entry = ring.at(at);
    if (entry?.topic === undefined || !connection.mayReceive(entry)) continue;
    if (++events > eventsMax) {
      // From just before the event that the gap names: a review may change the topics before it is sent.
      const gap = { reason: 'too_far_behind', oldest: oldest?.id ?? null } as const;
      return { kind: 'ring', seq: oldest === undefined ? at : oldest.seq - 1, gap };
    }
    oldest = entry;
  }
  return { kind: 'ring', seq };
}
