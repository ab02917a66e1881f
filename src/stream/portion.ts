import { countEvents } from './batch.ts';
import type { Connection } from './connection.ts';
import { joined, type WireFormat } from './frame.ts';
import type { Lane } from './lanes.ts';
import type { Ring, RingEntry } from './ring.ts';

/** One write to a stream that is served by itself. */
const PORTION_BYTES_MAX = 32_768;

export interface Portion {
  readonly entries: readonly RingEntry[];
  /** How many of the entries are events. */
  readonly events: number;
  /** How far in the ring that goes: up to here nothing else is for the stream. */
  readonly upTo: number;
  readonly bytes: { chunked?: Buffer; raw?: Buffer };
}

interface Made {
  readonly lane: Lane;
  readonly cursor: number;
  readonly headSeq: number;
  readonly portion: Portion;
}

/**
 * What of the ring streams are to be given next: events of their topics, also those for their subjects alone. The
 * latest portion is kept, and its bytes with it: a crowd that comes back at once has mostly missed the same.
 */
export class Portions {
  readonly #ring: Ring;
  #latest: Made | undefined;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  of(connection: Connection): Portion {
    const { lane, cursor } = connection;
    const { headSeq } = this.#ring;
    const latest = this.#latest;
    if (latest?.lane === lane && latest.cursor === cursor && latest.headSeq === headSeq)
      return latest.portion;
    const { entries, upTo, personal } = this.#take(connection);
    const portion: Portion = { entries, events: countEvents(entries), upTo, bytes: {} };
    this.#latest = personal ? undefined : { lane, cursor, headSeq, portion };
    return portion;
  }

  #take(connection: Connection) {
    const ring = this.#ring;
    const entries: RingEntry[] = [];
    let bytes = 0;
    // Whether another stream of the lane might be given something else, or not be given something of this.
    let personal = false;
    for (let seq = connection.cursor + 1; seq <= ring.headSeq; seq++) {
      const entry = ring.at(seq);
      if (entry === undefined) continue;
      personal ||= entry.audience !== undefined;
      if (!connection.mayReceive(entry)) continue;
      bytes += entry.frame.chunk.length;
      if (entries.length > 0 && bytes > PORTION_BYTES_MAX) return { entries, upTo: seq - 1, personal };
      entries.push(entry);
    }
    return { entries, upTo: ring.headSeq, personal };
  }
}

/** Joined once per wire format. */
export function portionBytes({ bytes, entries }: Portion, format: WireFormat): Buffer {
  bytes[format] ??= joined(
    entries.map((entry) => entry.frame),
    format,
  );
  return bytes[format];
}

/** Events that were there before the stream was, which its client has asked for by id. */
export function countReplayed({ joinedSeq }: Connection, { entries, events, upTo }: Portion): number {
  if (upTo <= joinedSeq) return events;
  let replayed = 0;
  for (const { seq, topic } of entries) if (topic !== undefined && seq <= joinedSeq) replayed++;
  return replayed;
}
