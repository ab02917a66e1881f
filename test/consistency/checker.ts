import { ClientAccount } from './client-account.ts';
import type { Entry } from './history.ts';
import { Ledger } from './ledger.ts';
import { RevocationLedger } from './revocation-ledger.ts';
import type { Violation } from './violation.ts';

export interface CheckOptions {
  /** Whether the fault may lose acknowledged events, so that gaps are told rightly. */
  readonly gapsAllowed: boolean;
}

/** How much of what happened: a run in which little happens proves little. */
export interface Counts {
  readonly sent: number;
  readonly acknowledged: number;
  /** Refused as `unavailable`, or never told. */
  readonly unacknowledged: number;
  readonly clients: number;
  readonly streams: number;
  readonly resumed: number;
  readonly rejected: number;
  readonly events: number;
  readonly positions: number;
  readonly gaps: number;
  readonly answersApplied: number;
  readonly expired: number;
  /** That were acknowledged. */
  readonly revocations: number;
  /** Streams that were ended as revoked. */
  readonly revoked: number;
  /** Revoked tokens that were shown again and refused. */
  readonly revokedRefused: number;
  readonly faults: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
}

/**
 * Proves from a history what the contract promises of events (sections 4 to 7): to every client each acknowledged event
 * that it may see exactly once and in the order of ids, or a gap that covers it; nothing without authorisation; and
 * everything at the end of a run that has settled. Unacknowledged events may come or not, but once and in order too.
 * And of revocations (docs/revocation.md): a second after one was acknowledged, no stream lives by such a token, none is
 * opened or extended by one, and nobody else was shut out.
 */
export function check(entries: readonly Entry[], { gapsAllowed }: CheckOptions): Verdict {
  const ledger = new Ledger(entries);
  const revocations = new RevocationLedger(entries);
  const accounts = new Map<string, ClientAccount>();
  const needless: Violation[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'client') {
      accounts.set(entry.client, new ClientAccount(entry.client, entry, ledger, revocations));
    } else if (entry.kind === 'settled')
      for (const account of accounts.values()) account.settle(entry.wall, index);
    else if ('client' in entry) {
      const account = accounts.get(entry.client);
      if (account === undefined) throw new TypeError(`${entry.client} was not introduced`);
      account.take(entry, index);
      if (entry.kind === 'gap' && !gapsAllowed) {
        needless.push({ kind: 'needless_gap', client: entry.client, ids: [], entries: [index] });
      }
    }
  }
  const theirs = Array.from(accounts.values(), ({ violations }) => violations);
  return {
    violations: [...ledger.violations, ...revocations.violations, ...theirs.flat(), ...needless],
    counts: countAll(entries),
  };
}

function countAll(entries: readonly Entry[]): Counts {
  const count = (predicate: (entry: Entry) => boolean): number =>
    entries.reduce((sum, entry) => sum + (predicate(entry) ? 1 : 0), 0);
  const kind = (name: Entry['kind']): number => count((entry) => entry.kind === name);
  const sent = kind('sent');
  const acknowledged = kind('acknowledged');
  return {
    sent,
    acknowledged,
    unacknowledged: sent - acknowledged,
    clients: kind('client'),
    streams: kind('opened'),
    resumed: count((entry) => entry.kind === 'opened' && entry.resume !== undefined),
    rejected: kind('rejected'),
    events: kind('event'),
    positions: kind('position'),
    gaps: kind('gap'),
    answersApplied: count((entry) => entry.kind === 'answered' && entry.status === 204),
    expired: count((entry) => entry.kind === 'ended' && entry.reason === 'token_expired'),
    revocations: count((entry) => entry.kind === 'revoked' && entry.status === 204),
    revoked: count((entry) => entry.kind === 'ended' && entry.reason === 'revoked'),
    revokedRefused: count((entry) => entry.kind === 'tried' && entry.code === 'revoked'),
    faults: count((entry) => entry.kind === 'fault' && entry.phase === 'begin'),
  };
}
