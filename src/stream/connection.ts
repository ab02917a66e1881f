import type { EpochMs } from '../core/brand.ts';
import type { Deadline } from '../core/deadline-wheel.ts';
import { type Authorisation, NEVER } from './authorisation.ts';
import { type Block, encode } from './encode.ts';
import { bytesOf, frame } from './frame.ts';
import type { Lane } from './lanes.ts';
import type { RingEntry } from './ring.ts';
import type { Transport } from './transport.ts';

/**
 * The life of a stream, in order. Every switch over it is exhaustive.
 * - `replaying`: the log is being read for it; the ring does not reach back far enough.
 * - `behind`: the ring has events that it has not; it is served by itself.
 * - `live`: it has everything that its lane had swept; it is served with its lane.
 * - `blocked`: the peer does not take what was written; nothing is queued for it.
 * - `ending`: the last block is written; the peer has five seconds to take it.
 * - `ended`: gone.
 */
export type ConnectionState = 'replaying' | 'behind' | 'live' | 'blocked' | 'ending' | 'ended';

/** One open stream. Small on purpose: there are tens of thousands. The hub alone changes it. */
export class Connection implements Deadline {
  state: ConnectionState = 'behind';
  readonly path: string;
  readonly transport: Transport;
  authorisation: Authorisation;
  lane: Lane;
  laneIndex = -1;
  /** Everything up to this place in the ring has been sent, or is not for this stream. */
  cursor: number;
  /** The ring's head when the stream came to it, at its opening or after the log; what is later can be late. */
  joinedSeq: number;
  /** Whether the cursor has passed events that are not for this stream since the client was last sent an id. */
  idBehind = false;
  readonly openedAt: EpochMs;
  writtenAt: EpochMs;
  /** By the monotonic clock. */
  blockedAtMs = 0;

  /** Handed to the transport since the headers: what is told when the stream is over. */
  events = 0;
  bytes = 0;
  challenges = 0;

  challengeAt: EpochMs;
  challengeId: string | undefined;
  challenged = false;
  maxAgeAt: EpochMs = NEVER;
  drainAt: EpochMs = NEVER;
  abortAt: EpochMs = NEVER;

  dueAt: EpochMs = NEVER;
  wheelSlot = -1;
  wheelIndex = -1;
  readonly #owner: DeadlineOwner;

  constructor(owner: DeadlineOwner, start: ConnectionStart) {
    this.#owner = owner;
    this.path = start.path;
    this.transport = start.transport;
    this.authorisation = start.authorisation;
    this.challengeAt = start.authorisation.challengeAt;
    this.lane = start.lane;
    this.cursor = start.seq;
    this.joinedSeq = start.seq;
    this.openedAt = start.now;
    this.writtenAt = start.now;
  }

  get open(): boolean {
    return this.state !== 'ending' && this.state !== 'ended';
  }

  onDue(now: EpochMs): void {
    this.#owner.due(this, now);
  }

  /** Writes a block that is for this stream alone, at once, whatever is queued for it. */
  say(block: Block, now: EpochMs): void {
    this.write(bytesOf(frame(encode(block)), this.transport.format), now);
  }

  write(bytes: Buffer, now: EpochMs): void {
    this.transport.write(bytes);
    this.bytes += bytes.length;
    this.writtenAt = now;
  }

  /** Nothing up to `seq` is owed to the stream any more. */
  passTo(seq: number): void {
    if (seq <= this.cursor) return;
    this.cursor = seq;
    this.idBehind = true;
  }

  /** Whether an event is for this stream; a gap always is. */
  mayReceive({ topic, audience }: RingEntry): boolean {
    if (topic === undefined) return true;
    if (!this.lane.topics.has(topic)) return false;
    if (audience === undefined) return true;
    const { guard, subject } = this.authorisation;
    return subject !== undefined && audience.guard === guard && audience.subjects.has(subject);
  }
}

export interface ConnectionStart {
  readonly path: string;
  readonly transport: Transport;
  readonly authorisation: Authorisation;
  readonly lane: Lane;
  readonly seq: number;
  readonly now: EpochMs;
}

export interface DeadlineOwner {
  due(connection: Connection, now: EpochMs): void;
}
