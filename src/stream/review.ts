import type { Topic } from '../core/brand.ts';
import type { Authorisation } from './authorisation.ts';
import type { CloseReason } from './close-reason.ts';
import type { Connection } from './connection.ts';
import type { Deadlines } from './deadlines.ts';
import type { Lanes } from './lanes.ts';
import type { Sweep } from './sweep.ts';

/** So many streams are judged again before the event loop gets its turn. */
const REVIEW_SLICE = 256;

export interface ReviewParts {
  /** Absent: all of them. */
  readonly concerns: ((authorisation: Authorisation) => boolean) | undefined;
  readonly lanes: Lanes;
  readonly sweep: Sweep;
  readonly deadlines: Deadlines;
  readonly end: (connection: Connection, reason: CloseReason) => void;
}

/** Judges streams again by the configuration and the keys as they are now: each ends, or goes on by new rules. */
export async function review(connections: readonly Connection[], parts: ReviewParts): Promise<void> {
  let judged = 0;
  for (const connection of connections) {
    const { authorisation, open } = connection;
    if (open && parts.concerns?.(authorisation) !== false) judge(connection, parts);
    if (++judged % REVIEW_SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function judge(connection: Connection, parts: ReviewParts): void {
  const verdict = connection.authorisation.review();
  if (verdict.kind === 'refused') return parts.end(connection, verdict.reason);
  const { topics } = connection.lane;
  const same = verdict.topics.length === topics.size && verdict.topics.every((topic) => topics.has(topic));
  if (!same) move(connection, verdict.topics, parts);
  // A challenge that went out told how to answer it; by other rules that answer would be refused, so it is asked anew.
  if (verdict.authorisation.answer !== connection.authorisation.answer) connection.challenged = false;
  connection.authorisation = verdict.authorisation;
  if (!connection.challenged) connection.challengeAt = verdict.authorisation.challengeAt;
  parts.deadlines.schedule(connection);
}

/** The path carries other topics now; the stream goes on with those from here. */
function move(connection: Connection, topics: readonly Topic[], { lanes, sweep }: ReviewParts): void {
  sweep.release(connection);
  lanes.leave(connection);
  connection.lane = lanes.of(topics);
  lanes.enter(connection);
}
