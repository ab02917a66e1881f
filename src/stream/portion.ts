import type { Connection } from './connection.ts';
import type { Ring, RingEntry } from './ring.ts';

/** One write to a stream that is served by itself, whose bytes are joined for it alone. */
const PORTION_BYTES_MAX = 32_768;

export interface Portion {
  readonly entries: readonly RingEntry[];
  /** How far in the ring that goes: up to here nothing else is for the stream. */
  readonly upTo: number;
}

/** What of the ring a stream is to be given next: events of its topics, also those for its subject alone. */
export function portion(connection: Connection, ring: Ring): Portion {
  const entries: RingEntry[] = [];
  let bytes = 0;
  for (let seq = connection.cursor + 1; seq <= ring.headSeq; seq++) {
    const entry = ring.at(seq);
    if (entry === undefined || !connection.mayReceive(entry)) continue;
    bytes += entry.frame.chunk.length;
    if (entries.length > 0 && bytes > PORTION_BYTES_MAX) return { entries, upTo: seq - 1 };
    entries.push(entry);
  }
  return { entries, upTo: ring.headSeq };
}

/** Events that were there before the stream was, which its client has asked for by id. */
export function countReplayed({ joinedSeq }: Connection, entries: readonly RingEntry[]): number {
  let replayed = 0;
  for (const { seq, topic } of entries) if (topic !== undefined && seq <= joinedSeq) replayed++;
  return replayed;
}
