import type { Topic } from '../core/brand.ts';
import type { Connection } from './connection.ts';
import type { RingEntry } from './ring.ts';

/**
 * All streams with the same set of topics. They need the same bytes, so an event is looked up once per lane and
 * a batch is joined once per lane, however many streams there are.
 */
export interface Lane {
  readonly topics: ReadonlySet<Topic>;
  /** Dense; a stream that leaves is replaced by the last one, so a sweep walks it from the end. */
  readonly connections: Connection[];
  /** Events that the streams in state `live` have yet to be given, oldest first. */
  pending: RingEntry[];
  /** The batch that a sweep is handing out now. */
  batch: { readonly firstSeq: number; readonly lastSeq: number } | undefined;
  queued: boolean;
  /** Streams that may have come between others of one HTTP/2 connection since `gather`. */
  scattered: number;
}

/** Up to this share of a lane's streams may stand apart from their neighbours: sorting costs more than it saves. */
const SCATTERED_SHARE_MAX = 1 / 32;

/** The topic index: from a topic to the lanes that carry it. Nobody tests every stream against every event. */
export class Lanes {
  readonly #byKey = new Map<string, Lane>();
  readonly #byTopic = new Map<Topic, Set<Lane>>();

  carrying(topic: Topic): Iterable<Lane> {
    return this.#byTopic.get(topic) ?? [];
  }

  /** The lane for these topics, made when there is none; it stays while a stream is in it. */
  of(topics: readonly Topic[]): Lane {
    const key = keyOf(topics);
    const existing = this.#byKey.get(key);
    if (existing !== undefined) return existing;
    const lane: Lane = {
      topics: new Set(topics),
      connections: [],
      pending: [],
      batch: undefined,
      queued: false,
      scattered: 0,
    };
    this.#byKey.set(key, lane);
    for (const topic of lane.topics) {
      const lanes = this.#byTopic.get(topic);
      if (lanes === undefined) this.#byTopic.set(topic, new Set([lane]));
      else lanes.add(lane);
    }
    return lane;
  }

  enter(connection: Connection): void {
    const { connections } = connection.lane;
    const before = connections.at(-1);
    connection.laneIndex = connections.push(connection) - 1;
    if (before !== undefined && before.transport.group !== connection.transport.group)
      connection.lane.scattered++;
  }

  leave(connection: Connection): void {
    const { lane, laneIndex } = connection;
    if (laneIndex < 0) return;
    const last = lane.connections.pop();
    if (last !== undefined && last !== connection) {
      lane.connections[laneIndex] = last;
      last.laneIndex = laneIndex;
      if (last.transport.group !== connection.transport.group) lane.scattered++;
    }
    connection.laneIndex = -1;
    if (lane.connections.length === 0) this.#remove(lane);
  }

  all(): Iterable<Lane> {
    return this.#byKey.values();
  }

  /** By how many events of the ring the slowest stream is behind. */
  lag(headSeq: number): number {
    let lag = 0;
    for (const { batch, connections, pending } of this.#byKey.values()) {
      const owedSeq = batch?.firstSeq ?? pending[0]?.seq ?? headSeq + 1;
      for (const { cursor, state } of connections) {
        // The cursor of a live stream stays where its last event was.
        lag = Math.max(lag, headSeq - (state === 'live' ? Math.max(cursor, owedSeq - 1) : cursor));
      }
    }
    return lag;
  }

  #remove(lane: Lane): void {
    this.#byKey.delete(keyOf([...lane.topics]));
    for (const topic of lane.topics) {
      const lanes = this.#byTopic.get(topic);
      lanes?.delete(lane);
      if (lanes?.size === 0) this.#byTopic.delete(topic);
    }
    lane.pending = [];
  }
}

/**
 * Brings streams of one HTTP/2 connection together, so that what a sweep writes to them leaves in one write of their
 * socket: 10,000 streams of 100 connections in no order take three times as long. Not to be called amid a batch.
 */
export function gather(lane: Lane): void {
  const { connections } = lane;
  if (lane.scattered <= connections.length * SCATTERED_SHARE_MAX) return;
  connections.sort((one, other) => one.transport.group - other.transport.group);
  for (const [index, connection] of connections.entries()) connection.laneIndex = index;
  lane.scattered = 0;
}

/** Topics never hold NUL, so it separates them without doubt. */
function keyOf(topics: readonly Topic[]): string {
  return topics.length === 1 ? (topics[0] ?? '') : [...new Set(topics)].sort().join('\0');
}
