import { type Frame, joined, type WireFormat } from './frame.ts';
import { gather, type Lane } from './lanes.ts';
import type { RingEntry } from './ring.ts';

/** One write to one stream; what is more waits for the lane's next batch. */
const BATCH_BYTES_MAX = 262_144;

/** What a lane's streams are given next, all of them the same. */
export interface Batch {
  readonly lane: Lane;
  readonly frames: readonly Frame[];
  /** How many of the frames are events. */
  readonly events: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** When ingest had read the oldest event of it. */
  readonly receivedAt: number;
  readonly bytes: { chunked?: Buffer; raw?: Buffer };
  /** Streams before this index have yet to be served. */
  left: number;
}

/** Takes what is pending, as far as it fits one write. */
export function takeBatch(lane: Lane): Batch | undefined {
  const { pending } = lane;
  const [first] = pending;
  if (first === undefined) return undefined;
  let count = 0;
  let bytes = 0;
  for (const { frame } of pending) {
    bytes += frame.chunk.length;
    if (count > 0 && bytes > BATCH_BYTES_MAX) break;
    count++;
  }
  const entries = count === pending.length ? pending : pending.slice(0, count);
  lane.pending = count === pending.length ? [] : pending.slice(count);
  const firstSeq = first.seq;
  const lastSeq = entries.at(-1)?.seq ?? firstSeq;
  lane.batch = { firstSeq, lastSeq };
  gather(lane);
  return {
    lane,
    frames: entries.map((entry) => entry.frame),
    events: countEvents(entries),
    firstSeq,
    lastSeq,
    receivedAt: first.receivedAt,
    bytes: {},
    left: lane.connections.length,
  };
}

/** Without gaps. */
export function countEvents(entries: readonly RingEntry[]): number {
  let events = 0;
  for (const { topic } of entries) if (topic !== undefined) events++;
  return events;
}

/** Joined once per wire format, whatever the number of streams. */
export function batchBytes(batch: Batch, format: WireFormat): Buffer {
  batch.bytes[format] ??= joined(batch.frames, format);
  return batch.bytes[format];
}

/** A slice of a sweep ends between two HTTP/2 connections: what the streams of one are given leaves in one write. */
export function amidGroup(batch: Batch | undefined): boolean {
  if (batch === undefined) return false;
  const { lane, left } = batch;
  const group = lane.connections[left]?.transport.group ?? 0;
  return group !== 0 && group === lane.connections[left - 1]?.transport.group;
}
