import type { Entry, Token } from './history.ts';
import type { Sent } from './ledger.ts';
import type { Holder, RevocationLedger } from './revocation-ledger.ts';
import type { ViolationKind } from './violation.ts';

/**
 * How late an event may come after its stream's end of authorisation when it was sent before: it was written in time,
 * and then waited in a socket and for this process. What was *sent* too late has no such excuse.
 */
const RECEIPT_MS_MAX = 2000;

/** The life of a client's one stream. */
type State = 'none' | 'asking' | 'open' | 'ended';

/** A token that a stream may live by. */
interface Credential {
  readonly token: Token;
  readonly shownAt: number;
  readonly until: number;
  /** From when on no gateway may honour it. */
  readonly revokedAt: number;
}

/** One client's streams, one after the other: whether there is one, and what its tokens are worth. */
export class StreamAccount {
  readonly #holder: Holder;
  readonly #revocations: RevocationLedger;
  #state: State = 'none';
  #from = Number.POSITIVE_INFINITY;
  /** What it lives by for certain: the token shown, or the last answer that was accepted. */
  #held: Credential | undefined;
  /** Answers on their way, and those of which it was never told whether they were applied. */
  #possible: Credential[] = [];

  constructor(holder: Holder, revocations: RevocationLedger) {
    this.#holder = holder;
    this.#revocations = revocations;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  take(entry: Entry): ViolationKind | undefined {
    switch (entry.kind) {
      case 'authorised':
        this.#state = 'asking';
        this.#from = entry.from;
        this.#held = this.#credential(entry);
        this.#possible = [];
        return undefined;
      case 'opened':
        return this.#opened();
      case 'answering':
        this.#possible.push(this.#credential(entry));
        return undefined;
      case 'answered':
        return this.#answered(entry.until, entry.status);
      case 'ended':
        return this.#ended(entry);
      case 'cut': {
        const late = this.late(entry.wall);
        this.#state = 'none';
        return late;
      }
      case 'rejected': {
        this.#state = 'none';
        const isWrong = entry.code === 'revoked' && !this.#mayBeRevoked(entry.wall);
        return isWrong ? 'wrongly_revoked' : undefined;
      }
      default:
        return undefined;
    }
  }

  /** Whether an event may come now that was sent then. */
  judge(wall: number, sent: Sent): ViolationKind | undefined {
    if (this.#state !== 'open') return 'no_stream';
    if (wall < this.#from) return 'before_authorisation';
    const isAfter = (end: (credential: Credential) => number): boolean => {
      const until = Math.max(...this.#credentials().map(end));
      return sent.wall >= until || wall >= until + RECEIPT_MS_MAX;
    };
    if (isAfter(({ until }) => until)) return 'after_authorisation';
    return isAfter(({ until, revokedAt }) => Math.min(until, revokedAt)) ? 'after_revocation' : undefined;
  }

  /** Whether its stream should have been ended as revoked long before now. */
  late(wall: number): ViolationKind | undefined {
    const revokedAt = Math.max(...this.#credentials().map((each) => each.revokedAt));
    return this.#state === 'open' && wall >= revokedAt + RECEIPT_MS_MAX ? 'cut_late' : undefined;
  }

  #opened(): ViolationKind | undefined {
    // A stream that shows no token is authorised never, which its first event will tell.
    if (this.#state !== 'asking') this.#from = Number.POSITIVE_INFINITY;
    this.#state = 'open';
    const held = this.#held;
    return held !== undefined && held.shownAt >= held.revokedAt ? 'let_in' : undefined;
  }

  #answered(until: number, status: number): ViolationKind | undefined {
    const answer = this.#possible.find((each) => each.until === until);
    if (answer === undefined) return undefined;
    // Refused for good; anything else may have been applied although nobody could say so.
    if (status === 204 || (status >= 400 && status < 500)) {
      this.#possible = this.#possible.filter((each) => each !== answer);
    }
    if (status !== 204) return undefined;
    if (until >= (this.#held?.until ?? 0)) this.#held = answer;
    return answer.shownAt >= answer.revokedAt ? 'let_in' : undefined;
  }

  #ended({ reason, wall }: Extract<Entry, { kind: 'ended' }>): ViolationKind | undefined {
    const late = this.late(wall);
    this.#state = 'ended';
    if (reason === 'token_expired' && wall < (this.#held?.until ?? 0)) return 'expired_early';
    return reason === 'revoked' && !this.#mayBeRevoked(wall) ? 'wrongly_revoked' : late;
  }

  #mayBeRevoked(wall: number): boolean {
    return this.#credentials().some(({ token }) => this.#revocations.mayBeRevoked(this.#holder, token, wall));
  }

  #credentials(): readonly Credential[] {
    return this.#held === undefined ? this.#possible : [this.#held, ...this.#possible];
  }

  #credential({ token, until, wall }: Extract<Entry, { kind: 'authorised' | 'answering' }>): Credential {
    return { token, until, shownAt: wall, revokedAt: this.#revocations.deadline(this.#holder, token) };
  }
}
