import type { Entry, Token } from './history.ts';
import type { Violation, ViolationKind } from './violation.ts';

/** "Within 1 s every gateway that reaches Redis" has ended its streams of such tokens and refuses them. */
const PROMISE_MS = 1_000;
const SECOND_MS = 1_000;
const UNAVAILABLE = 503;

type Revoking = Extract<Entry, { kind: 'revoking' }>;
type Tried = Extract<Entry, { kind: 'tried' }>;

/** Whose token it is. */
export interface Holder {
  readonly guard: string;
  readonly subject: string;
}

/** One attempt, as far as it can be known from outside. */
interface Attempt {
  readonly askedAt: number;
  /** Tokens issued before this are revoked for certain, once it is acknowledged. */
  readonly certain: number;
  /** Those issued from here on are not, for certain. */
  possible: number;
  /** From when on no gateway may honour such a token. */
  deadline: number;
}

interface Outage {
  readonly from: number;
  until: number;
}

/**
 * What was revoked, and from when on that must show.
 *
 * The promise is for gateways that reach Redis (docs/revocation.md). One that was cut off has what it had, lets in by that,
 * and reads what it missed when it is back: so trouble with Redis puts off the second until the trouble is over and all have
 * found their way back. It takes nothing away: what was acknowledged holds afterwards, also when Redis has lost it, since
 * gateways give it back. What was answered with 503, or not at all, may be in force or not.
 */
export class RevocationLedger {
  readonly violations: Violation[] = [];
  readonly #attempts = new Map<string, Attempt[]>();

  constructor(entries: readonly Entry[]) {
    const outages = outagesOf(entries);
    const asked = new Map<string, Attempt>();
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === 'revoking') asked.set(entry.revocation, this.#ask(entry));
      if (entry.kind !== 'revoked') continue;
      const attempt = asked.get(entry.revocation);
      if (attempt === undefined) throw new TypeError(`${entry.revocation} was not asked for`);
      if (entry.status === 204) {
        attempt.deadline = deadlineOf(entry.wall, outages);
        attempt.possible = Math.min(attempt.possible, nextSecond(entry.wall));
      } else if (entry.status !== 0 && entry.status !== UNAVAILABLE) {
        this.violations.push({ kind: 'revocation_refused', ids: [], entries: [index] });
      }
    }
    for (const [index, entry] of entries.entries()) {
      const kind = entry.kind === 'tried' ? this.#judge(entry) : undefined;
      if (kind !== undefined) this.violations.push({ kind, ids: [], entries: [index] });
    }
  }

  /** From when on no gateway may honour the token; infinity when it was not revoked, or not for certain. */
  deadline(holder: Holder, token: Token): number {
    const certain = this.#attemptsOn(holder, token).filter((attempt) => token.issuedAt < attempt.certain);
    return Math.min(Number.POSITIVE_INFINITY, ...certain.map(({ deadline }) => deadline));
  }

  /** Whether a gateway may have had a reason to hold the token for revoked. */
  mayBeRevoked(holder: Holder, token: Token, wall: number): boolean {
    return this.#attemptsOn(holder, token).some(
      ({ askedAt, possible }) => askedAt <= wall && token.issuedAt < possible,
    );
  }

  #ask({ guard, by, value, before, wall }: Revoking): Attempt {
    // Without `before` it is the next whole second by the clock of the gateway, which is this one, when it comes to it.
    const attempt: Attempt = {
      askedAt: wall,
      certain: before ?? nextSecond(wall),
      possible: before ?? Number.POSITIVE_INFINITY,
      deadline: Number.POSITIVE_INFINITY,
    };
    const key = keyOf(guard, by, value);
    const same = this.#attempts.get(key);
    if (same === undefined) this.#attempts.set(key, [attempt]);
    else same.push(attempt);
    return attempt;
  }

  #attemptsOn({ guard, subject }: Holder, { jti, sid }: Token): readonly Attempt[] {
    const keys = [
      keyOf(guard, 'subject', subject),
      keyOf(guard, 'session', sid),
      keyOf(guard, 'tokenId', jti),
    ];
    return keys.flatMap((key) => this.#attempts.get(key) ?? []);
  }

  #judge(tried: Tried): ViolationKind | undefined {
    const { token, from, status, code, wall } = tried;
    if (status === 200 && from >= this.deadline(tried, token)) return 'let_in';
    return code === 'revoked' && !this.mayBeRevoked(tried, token, wall) ? 'wrongly_revoked' : undefined;
  }
}

/** The first second without trouble, all of it after the acknowledgement. */
function deadlineOf(wall: number, outages: readonly Outage[]): number {
  let deadline = wall + PROMISE_MS;
  for (const { from, until } of outages) {
    if (from < deadline && until > wall) deadline = Math.max(deadline, until + PROMISE_MS);
  }
  return deadline;
}

/** In the order in which they began. One that has not ended, never does. */
function outagesOf(entries: readonly Entry[]): readonly Outage[] {
  const outages: Outage[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'fault' || entry.recoveryMs === undefined) continue;
    const { phase, wall, recoveryMs } = entry;
    const last = outages.at(-1);
    if (phase === 'begin') outages.push({ from: wall, until: Number.POSITIVE_INFINITY });
    else if (last !== undefined) last.until = wall + recoveryMs;
  }
  return outages;
}

function keyOf(guard: string, by: Revoking['by'], value: string): string {
  return JSON.stringify([guard, by, value]);
}

/** Not the product's own, which is under test. */
function nextSecond(wall: number): number {
  return (Math.floor(wall / SECOND_MS) + 1) * SECOND_MS;
}
