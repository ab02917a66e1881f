import type { Entry } from './history.ts';
import type { Sent } from './ledger.ts';
import type { ViolationKind } from './violation.ts';

/**
 * How late an event may come after its stream's end of authorisation when it was sent before: it was written in time,
 * and then waited in a socket and for this process. What was *sent* too late has no such excuse.
 */
const RECEIPT_MS_MAX = 2000;

/** The life of a client's one stream. */
type State = 'none' | 'asking' | 'open' | 'ended';

/** One client's streams, one after the other: whether there is one, and what its tokens are worth. */
export class StreamAccount {
  #state: State = 'none';
  #from = Number.POSITIVE_INFINITY;
  /** Good for certain until here: the token shown, and answers that were accepted. */
  #until = 0;
  /** Answers on their way, and those of which it was never told whether they were applied. */
  #possible: number[] = [];

  get open(): boolean {
    return this.#state === 'open';
  }

  take(entry: Entry): ViolationKind | undefined {
    switch (entry.kind) {
      case 'authorised':
        this.#state = 'asking';
        this.#from = entry.from;
        this.#until = entry.until;
        this.#possible = [];
        return undefined;
      case 'opened':
        // A stream that shows no token is authorised never, which its first event will tell.
        if (this.#state !== 'asking') this.#from = Number.POSITIVE_INFINITY;
        this.#state = 'open';
        return undefined;
      case 'answering':
        this.#possible.push(entry.until);
        return undefined;
      case 'answered':
        this.#answered(entry.until, entry.status);
        return undefined;
      case 'ended':
        this.#state = 'ended';
        return entry.reason === 'token_expired' && entry.wall < this.#until ? 'expired_early' : undefined;
      case 'cut':
      case 'rejected':
        this.#state = 'none';
        return undefined;
      default:
        return undefined;
    }
  }

  /** Whether an event may come now that was sent then. */
  judge(wall: number, sent: Sent): ViolationKind | undefined {
    if (this.#state !== 'open') return 'no_stream';
    if (wall < this.#from) return 'before_authorisation';
    const until = Math.max(this.#until, ...this.#possible);
    return sent.wall >= until || wall >= until + RECEIPT_MS_MAX ? 'after_authorisation' : undefined;
  }

  #answered(until: number, status: number): void {
    if (status === 204) this.#until = Math.max(this.#until, until);
    // Refused for good; anything else may have been applied although nobody could say so.
    if (status >= 400 && status < 500) this.#possible = this.#possible.filter((each) => each !== until);
  }
}
