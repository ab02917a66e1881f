import type { Entry } from './history.ts';
import { type Ledger, maySee, type Owed, type View } from './ledger.ts';
import type { RevocationLedger } from './revocation-ledger.ts';
import { StreamAccount } from './stream-account.ts';
import type { Violation, ViolationKind } from './violation.ts';

const IDS_SHOWN_MAX = 5;

interface Gap {
  readonly index: number;
  /** The place after which something may be missing: what lies before was there to be had. */
  readonly requested: number;
  /** The place of what is sent first after it; absent: whatever comes. */
  readonly oldest: number | undefined;
}

/** Where a client is in the log. */
interface Place {
  readonly id: string;
  readonly rank: number;
  /** The entry that told. */
  readonly index: number;
}

/** Walks through all that one client saw, over all its streams, and holds it against what it is owed. */
export class ClientAccount {
  readonly violations: Violation[] = [];
  readonly #client: string;
  readonly #view: View;
  readonly #ledger: Ledger;
  readonly #owed: readonly Owed[];
  readonly #streams: StreamAccount;
  readonly #had = new Set<number>();
  /** What of `#owed` lies after the place. */
  #next = 0;
  #place: Place | undefined;
  /** The last id that the client was told, with which it resumes. */
  #lastId: string | undefined;
  /** Told since the place was reached. */
  #gaps: Gap[] = [];
  /** What the open stream has promised to send first. */
  #announced: Place | undefined;

  constructor(client: string, view: View, ledger: Ledger, revocations: RevocationLedger) {
    this.#client = client;
    this.#view = view;
    this.#ledger = ledger;
    this.#owed = ledger.owedTo(view);
    this.#streams = new StreamAccount(view, revocations);
  }

  take(entry: Entry, index: number): void {
    const fault = this.#streams.take(entry);
    if (fault !== undefined) this.#violation(fault, [], [index]);
    switch (entry.kind) {
      case 'opened':
        return this.#opened(entry, index);
      case 'event':
        return this.#event(entry, index);
      case 'position':
        return this.#position(entry, index);
      case 'gap': {
        const oldest = entry.oldest === null ? undefined : this.#ledger.rank(entry.oldest);
        this.#gaps.push({ index, oldest, requested: this.#ledger.rankOr(entry.requested) });
        this.#announced =
          entry.oldest === null || oldest === undefined
            ? undefined
            : { id: entry.oldest, rank: oldest, index };
      }
    }
  }

  /** The run is over and everybody had time: who is here has everything. */
  settle(wall: number, index: number): void {
    const late = this.#streams.late(wall);
    if (late !== undefined) this.#violation(late, [], [index]);
    if (!this.#streams.open || this.#place === undefined) return this.#violation('absent', [], [index]);
    const missing = this.#owed.slice(this.#next).filter((owed) => !this.#covered(owed));
    this.#missing('undelivered', missing, index);
  }

  #opened({ resume, head }: Extract<Entry, { kind: 'opened' }>, index: number): void {
    this.#announced = undefined;
    if (resume !== undefined) {
      if (resume !== this.#lastId) this.#violation('bad_resume', [resume], [index]);
      return;
    }
    if (this.#lastId !== undefined) this.#violation('bad_resume', [this.#lastId], [index]);
    if (head === undefined) return;
    this.#lastId = head;
    this.#place ??= { id: head, rank: this.#ledger.rank(head), index };
    // What was there before the client came is not owed to it.
    while ((this.#owed[this.#next]?.rank ?? Number.POSITIVE_INFINITY) <= this.#place.rank) this.#next++;
  }

  #event({ id, ref, wall }: Extract<Entry, { kind: 'event' }>, index: number): void {
    this.#lastId = id;
    const sent = this.#ledger.sent(ref);
    if (sent === undefined) return this.#violation('unknown_event', [id], [index], ref);
    const evidence = [index, sent.index];
    if (!this.#ledger.pair(ref, id)) this.#violation('identity', [id], evidence, ref);
    if (!maySee(this.#view, sent)) this.#violation('not_for_client', [id], evidence, ref);
    const fault = this.#streams.judge(wall, sent);
    if (fault !== undefined) this.#violation(fault, [id], evidence, ref);
    const rank = this.#ledger.rank(id);
    if (this.#announced !== undefined && this.#announced.rank !== rank) {
      this.#violation('untrue_gap', [id, this.#announced.id], [index, this.#announced.index], ref);
    }
    this.#announced = undefined;
    if (this.#place === undefined) this.#violation('headless', [id], evidence, ref);
    else if (rank <= this.#place.rank) {
      const kind = this.#had.has(rank) ? 'duplicate' : 'disorder';
      this.#had.add(rank);
      return this.#violation(kind, [id, this.#place.id], [index, this.#place.index], ref);
    }
    this.#had.add(rank);
    this.#advance({ id, rank, index });
  }

  #position({ id }: Extract<Entry, { kind: 'position' }>, index: number): void {
    this.#lastId = id;
    const rank = this.#ledger.rank(id);
    if (!this.#streams.open) this.#violation('no_stream', [id], [index]);
    if (this.#place === undefined) return this.#violation('headless', [id], [index]);
    if (rank < this.#place.rank) {
      return this.#violation('position_falls', [id, this.#place.id], [index, this.#place.index]);
    }
    if (rank > this.#place.rank) this.#advance({ id, rank, index });
  }

  /** The client has all that it is owed up to here, or was told of a gap. */
  #advance(place: Place): void {
    const missing: Owed[] = [];
    for (let owed = this.#owed[this.#next]; owed !== undefined && owed.rank <= place.rank; ) {
      if (!this.#had.has(owed.rank) && !this.#covered(owed)) missing.push(owed);
      owed = this.#owed[++this.#next];
    }
    this.#missing('lost', missing, place.index);
    this.#place = place;
    this.#gaps = [];
  }

  /** A gap says nothing of what was sent after it was told, nor of what lies outside of what it names. */
  #covered({ rank, sent }: Owed): boolean {
    return this.#gaps.some(
      ({ index, requested, oldest = Number.POSITIVE_INFINITY }) =>
        sent.index < index && requested < rank && rank < oldest,
    );
  }

  #missing(kind: ViolationKind, missing: readonly Owed[], index: number): void {
    const [first] = missing;
    if (first === undefined) return;
    this.violations.push({
      kind,
      client: this.#client,
      ids: missing.slice(0, IDS_SHOWN_MAX).map(({ id }) => id),
      count: missing.length,
      ref: first.sent.ref,
      entries: [
        index,
        first.sent.acknowledged?.index ?? first.sent.index,
        ...(this.#place === undefined ? [] : [this.#place.index]),
      ],
    });
  }

  #violation(kind: ViolationKind, ids: readonly string[], entries: readonly number[], ref?: string): void {
    this.violations.push({
      kind,
      client: this.#client,
      ids,
      entries,
      ...(ref === undefined ? {} : { ref }),
    });
  }
}
