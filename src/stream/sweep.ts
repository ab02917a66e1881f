import type { EpochMs } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { Fifo } from '../core/fifo.ts';
import { amidGroup, type Batch, batchBytes, takeBatch } from './batch.ts';
import { Blocked } from './blocked.ts';
import type { Connection } from './connection.ts';
import type { Lane } from './lanes.ts';
import type { StreamObserver } from './observer.ts';
import { countReplayed, Portions, portionBytes } from './portion.ts';
import type { Ring, RingEntry } from './ring.ts';

/** After this many streams, or this long, the event loop gets its turn for everything else. */
const SLICE_STREAMS = 256;
const SLICE_MS = 2;

/** What happens to a stream that may not or can't be served any more; the hub ends it. */
export interface SweepOutcome {
  expired(connection: Connection, now: EpochMs): void;
  slow(connection: Connection): void;
}

/**
 * Brings every stream from its cursor to the ring's head, in slices. Streams that keep up are served with their lane:
 * one Buffer, joined once, one write each. The others are served by themselves from the ring.
 *
 * Every stream gets each event it may see exactly once and in order: a lane's streams have everything before its
 * batch, and a stream whose cursor is within or past the batch is told from one that needs it by that cursor.
 */
export class Sweep {
  readonly #ring: Ring;
  readonly #clock: Clock;
  readonly #observer: StreamObserver;
  readonly #outcome: SweepOutcome;
  readonly #lagMaxMs: () => number;
  readonly #lanes = new Fifo<Lane>();
  readonly #behind = new Fifo<Connection>();
  readonly #portions: Portions;
  readonly #blocked: Blocked;
  #batch: Batch | undefined;
  #scheduled = false;
  #delivered = 0;

  constructor(
    ring: Ring,
    clock: Clock,
    observer: StreamObserver,
    outcome: SweepOutcome,
    lagMaxMs: () => number,
  ) {
    this.#ring = ring;
    this.#portions = new Portions(ring);
    this.#clock = clock;
    this.#observer = observer;
    this.#outcome = outcome;
    this.#lagMaxMs = lagMaxMs;
    this.#blocked = new Blocked(clock, ring, lagMaxMs, {
      catchUp: (connection) => this.catchUp(connection),
      slow: (connection) => outcome.slow(connection),
    });
  }

  /** The event is for every stream of the lane. */
  add(lane: Lane, entry: RingEntry): void {
    const [oldest] = lane.pending;
    if (oldest !== undefined && oldest.seq < this.#ring.firstSeq) this.#disperse(lane, entry);
    lane.pending.push(entry);
    this.#queue(lane);
  }

  /** The event is for this stream but not for its whole lane. */
  single(connection: Connection, entry: RingEntry): void {
    if (connection.state !== 'live') return; // it will meet the event on its way
    this.#settle(connection, entry.seq);
    this.catchUp(connection);
  }

  /** The stream is about to change lanes: what the old one still owes it is served from the ring. */
  release(connection: Connection): void {
    if (connection.state !== 'live') return;
    this.#settle(connection, this.#ring.headSeq + 1);
    this.catchUp(connection);
  }

  /** From now on the stream is served by itself, from its cursor, until it has reached the head. */
  catchUp(connection: Connection): void {
    connection.state = 'behind';
    this.#behind.push(connection);
    this.#schedule();
  }

  /** A stream has come to the ring. While its head is held, what it is owed first goes out with that. */
  begin(connection: Connection): void {
    if (!connection.transport.holding) return this.catchUp(connection);
    connection.state = 'behind';
    this.#serve(connection);
    this.#schedule(); // a slice tells what was delivered
  }

  /** What a stream began with is written: it goes out. */
  begun(connection: Connection): void {
    connection.transport.flush();
    this.wrote(connection);
  }

  /** To be called after a block was written outside a sweep: a peer that does not take it is given no more. */
  wrote(connection: Connection): void {
    if (connection.state === 'live' && !connection.transport.ready()) this.#block(connection);
  }

  /** Writes to a stream in state `behind` what fits one write. */
  #serve(connection: Connection): void {
    if (connection.state !== 'behind') return;
    const now = this.#clock.now();
    if (now >= connection.authorisation.closeAt) return this.#outcome.expired(connection, now);
    if (connection.cursor + 1 < this.#ring.firstSeq) return this.#outcome.slow(connection);
    if (!connection.transport.ready()) return this.#blocked.add(connection);
    const portion = this.#portions.of(connection);
    const { entries, events, upTo } = portion;
    const [first] = entries;
    const last = entries.at(-1);
    if (first !== undefined && last !== undefined) {
      if (this.#late(connection, first)) return this.#outcome.slow(connection);
      const replayed = countReplayed(connection, portion);
      if (replayed > 0) this.#observer.replayed(replayed);
      this.#write(connection, portionBytes(portion, connection.transport.format), events, last.seq, now);
    }
    connection.passTo(upTo);
    if (!connection.transport.ready()) this.#blocked.add(connection);
    else if (upTo < this.#ring.headSeq) this.catchUp(connection);
    else connection.state = 'live';
  }

  stop(): void {
    this.#blocked.stop();
  }

  /**
   * Moves the cursor of a live stream up to just before the first event that it has yet to be given; without this
   * a stream of a quiet topic would search the whole ring.
   */
  #settle(connection: Connection, nextSeq: number): void {
    const { batch, pending } = connection.lane;
    // A stream that was served by itself may have part of the batch; what is left of it is owed, so it stays there.
    const owed = batch !== undefined && connection.cursor < batch.lastSeq;
    const owedSeq = owed ? batch.firstSeq : (pending[0]?.seq ?? nextSeq);
    connection.passTo(owedSeq - 1);
  }

  #queue(lane: Lane): void {
    if (lane.queued) return;
    lane.queued = true;
    this.#lanes.push(lane);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#slice());
  }

  #slice(): void {
    this.#scheduled = false;
    const startedMs = this.#clock.monotonicMs();
    for (let streams = 1; ; streams++) {
      const behind = this.#behind.shift();
      if (behind !== undefined) this.#serve(behind);
      const swept = this.#sweepNext();
      if (behind === undefined && !swept) break;
      const long = streams % 16 === 0 && this.#clock.monotonicMs() - startedMs > SLICE_MS;
      if ((long || streams >= SLICE_STREAMS) && !amidGroup(this.#batch)) break;
    }
    if (this.#delivered > 0) this.#observer.delivered(this.#delivered);
    this.#delivered = 0;
    if (this.#behind.size > 0 || this.#batch !== undefined || this.#lanes.size > 0) this.#schedule();
  }

  /** Serves the next stream of the lane at hand. @returns whether there was one */
  #sweepNext(): boolean {
    this.#batch ??= this.#nextBatch();
    const batch = this.#batch;
    if (batch === undefined) return false;
    // From the end, so that a stream that leaves meanwhile makes no unserved one change places with a served one.
    const { connections } = batch.lane;
    batch.left = Math.min(batch.left, connections.length) - 1;
    const connection = connections[batch.left];
    if (connection !== undefined) this.#serveBatch(connection, batch);
    if (batch.left <= 0) {
      this.#observer.latency(Math.max(0, this.#clock.now() - batch.receivedAt));
      batch.lane.batch = undefined;
      if (batch.lane.pending.length > 0) this.#queue(batch.lane);
      this.#batch = undefined;
    }
    return true;
  }

  #nextBatch(): Batch | undefined {
    for (let lane = this.#lanes.shift(); lane !== undefined; lane = this.#lanes.shift()) {
      lane.queued = false;
      const batch = takeBatch(lane);
      if (batch !== undefined) return batch;
    }
    return undefined;
  }

  #serveBatch(connection: Connection, batch: Batch): void {
    if (connection.state !== 'live' || connection.cursor >= batch.lastSeq) return;
    // It has part of the batch already, since it was served by itself in the meantime.
    if (connection.cursor >= batch.firstSeq) return this.catchUp(connection);
    const now = this.#clock.now();
    if (now >= connection.authorisation.closeAt) return this.#outcome.expired(connection, now);
    const bytes = batchBytes(batch, connection.transport.format);
    this.#write(connection, bytes, batch.events, batch.lastSeq, now);
    if (!connection.transport.ready()) this.#block(connection);
  }

  /** The peer of a live stream does not take what was written. */
  #block(connection: Connection): void {
    this.#settle(connection, this.#ring.headSeq + 1);
    this.#blocked.add(connection);
  }

  /**
   * Events come faster than they can be handed out, so that the ring has let go of some before the lane had them:
   * its streams are served by themselves, from where they are or not at all. What is pending never outgrows the ring.
   */
  #disperse(lane: Lane, entry: RingEntry): void {
    for (const connection of lane.connections) {
      if (connection.state !== 'live') continue;
      this.#settle(connection, entry.seq);
      this.catchUp(connection);
    }
    lane.pending = [];
  }

  #write(connection: Connection, bytes: Buffer, events: number, lastSeq: number, now: EpochMs): void {
    connection.write(bytes, now);
    connection.events += events;
    connection.cursor = lastSeq;
    connection.idBehind = false;
    this.#delivered += events;
  }

  /** What was there when the stream came is its past, not its lag. */
  #late(connection: Connection, { seq, appendedAtMs }: RingEntry): boolean {
    return seq > connection.joinedSeq && this.#clock.monotonicMs() - appendedAtMs > this.#lagMaxMs();
  }
}
