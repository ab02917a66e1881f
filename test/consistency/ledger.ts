import type { Entry, Recipients } from './history.ts';
import type { Violation } from './violation.ts';

/** One event as its producer knows it. */
export interface Sent {
  readonly ref: string;
  readonly producer: string;
  readonly topic: string;
  readonly to: Recipients | undefined;
  /** When its line was written, as an entry's index and by the wall clock. */
  readonly index: number;
  readonly wall: number;
  /** Absent: its fate was never told, or it was refused as `unavailable`. */
  acknowledged?: { readonly id: string; readonly rank: number; readonly index: number };
}

/** What a client may see. */
export interface View {
  readonly guard: string;
  readonly subject: string;
  readonly topics: readonly string[];
}

/** An acknowledged event and its place in the order of ids. */
export interface Owed {
  readonly sent: Sent;
  readonly id: string;
  readonly rank: number;
}

/** The producers' side of a history: what was sent, what was acknowledged, and the order of all ids in it. */
export class Ledger {
  readonly violations: Violation[] = [];
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #sent = new Map<string, Sent>();
  readonly #refOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();
  readonly #views = new Map<string, readonly Owed[]>();
  #owed: readonly Owed[] | undefined;

  constructor(entries: readonly Entry[]) {
    this.#ranks = rankIds(entries);
    const lines = new Map<string, Sent[]>();
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === 'sent') {
        const { ref, producer, topic, to, wall } = entry;
        const sent = { ref, producer, topic, to, index, wall };
        if (this.#sent.has(ref))
          throw new TypeError(`${ref} was used for two lines: the harness is at fault`);
        this.#sent.set(ref, sent);
        const own = lines.get(producer);
        if (own === undefined) lines.set(producer, [sent]);
        else own.push(sent);
      }
      if (entry.kind === 'acknowledged') this.#acknowledge(entry, index);
      if (entry.kind === 'refused' && entry.code !== 'unavailable') {
        const { producer, ref } = entry;
        this.violations.push({ kind: 'refused', producer, ref, ids: [], entries: [index] });
      }
    }
    for (const own of lines.values()) this.#checkOrder(own);
  }

  /** The place of an id that occurs in the history, in the order of ids. */
  rank(id: string): number {
    const rank = this.#ranks.get(id);
    if (rank === undefined) throw new TypeError(`${id} is not in the history`);
    return rank;
  }

  /** The same for text that may be no id: before everything. */
  rankOr(text: string): number {
    return this.#ranks.get(text) ?? -1;
  }

  sent(ref: string): Sent | undefined {
    return this.#sent.get(ref);
  }

  /** Whoever names this pair: one id is one event, for everybody. @returns whether it agrees with all others */
  pair(ref: string, id: string): boolean {
    const agrees = (this.#refOf.get(id) ?? ref) === ref && (this.#idOf.get(ref) ?? id) === id;
    if (agrees) {
      this.#refOf.set(id, ref);
      this.#idOf.set(ref, id);
    }
    return agrees;
  }

  /** All acknowledged events that this client may see, in the order of ids. */
  owedTo(view: View): readonly Owed[] {
    const key = JSON.stringify([view.guard, view.subject, view.topics]);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const owed = this.#allOwed().filter(({ sent }) => maySee(view, sent));
    this.#views.set(key, owed);
    return owed;
  }

  #allOwed(): readonly Owed[] {
    this.#owed ??= [...this.#sent.values()]
      .flatMap((sent) => (sent.acknowledged === undefined ? [] : [{ sent, ...sent.acknowledged }]))
      .toSorted((a, b) => a.rank - b.rank);
    return this.#owed;
  }

  #acknowledge({ ref, producer, id }: Extract<Entry, { kind: 'acknowledged' }>, index: number): void {
    const sent = this.#sent.get(ref);
    if (sent === undefined || sent.producer !== producer || sent.acknowledged !== undefined) {
      this.violations.push({ kind: 'bad_acknowledgement', producer, ref, ids: [id], entries: [index] });
      return;
    }
    sent.acknowledged = { id, rank: this.rank(id), index };
    if (this.pair(ref, id)) return;
    this.violations.push({ kind: 'identity', producer, ref, ids: [id], entries: [index] });
  }

  #checkOrder(lines: readonly Sent[]): void {
    let last: { readonly id: string; readonly rank: number; readonly index: number } | undefined;
    for (const { producer, ref, acknowledged } of lines) {
      if (acknowledged === undefined) continue;
      if (last !== undefined && acknowledged.rank <= last.rank) {
        const ids = [acknowledged.id, last.id];
        const entries = [acknowledged.index, last.index];
        this.violations.push({ kind: 'producer_disorder', producer, ref, ids, entries });
      } else last = acknowledged;
    }
  }
}

interface Addressed {
  readonly topic: string;
  readonly to?: Recipients | undefined;
}

export function maySee(view: View, { topic, to }: Addressed): boolean {
  if (!view.topics.includes(topic)) return false;
  return to === undefined || (to.guard === view.guard && to.subjects.includes(view.subject));
}

const ID = /^\d+-\d+$/;

/** Ids are compared once, here; from then on their places are. */
function rankIds(entries: readonly Entry[]): ReadonlyMap<string, number> {
  const ids = new Set<string>();
  for (const entry of entries) {
    if ('id' in entry) ids.add(entry.id);
    if (entry.kind === 'opened' && entry.head !== undefined) ids.add(entry.head);
    if (entry.kind === 'opened' && entry.resume !== undefined) ids.add(entry.resume);
    if (entry.kind === 'gap' && entry.oldest !== null) ids.add(entry.oldest);
    if (entry.kind === 'gap' && ID.test(entry.requested)) ids.add(entry.requested);
  }
  return new Map([...ids].toSorted(compareIds).map((id, rank) => [id, rank]));
}

/** `<milliseconds>-<sequence>`; not the product's own comparison, which is under test. */
export function compareIds(a: string, b: string): number {
  const [aMs = '', aSequence = ''] = a.split('-');
  const [bMs = '', bSequence = ''] = b.split('-');
  return compareDigits(aMs, bMs) || compareDigits(aSequence, bSequence);
}

/** Decimal without leading zeros. */
function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
