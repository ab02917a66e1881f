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
}

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
    connection.laneIndex = connection.lane.connections.push(connection) - 1;
  }

  leave(connection: Connection): void {
    const { lane, laneIndex } = connection;
    if (laneIndex < 0) return;
    const last = lane.connections.pop();
    if (last !== undefined && last !== connection) {
      lane.connections[laneIndex] = last;
      last.laneIndex = laneIndex;
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

/** Topics never hold NUL, so it separates them without doubt. */
function keyOf(topics: readonly Topic[]): string {
  return topics.length === 1 ? (topics[0] ?? '') : [...new Set(topics)].sort().join('\0');
}
