import type { CloseReason } from './close-reason.ts';

/** Why a client was told of a gap. */
export type GapReason = 'malformed' | 'future' | 'trimmed' | 'too_far_behind' | 'lost';
/** `client_gone`: the peer closed first. */
export type ClosedReason = CloseReason | 'client_gone';
export type ChallengeOutcome = 'sent' | 'answered' | 'refused' | 'unanswered';

/** What streams report; `metrics/` implements it. Called on the hot path at most once per sweep slice. */
export interface StreamObserver {
  opened(path: string): void;
  closed(reason: ClosedReason): void;
  /** The peer did not take its end in time, so the connection was reset. */
  aborted(): void;
  challenge(guard: string, outcome: ChallengeOutcome): void;
  /** How long after `closeAt` a stream was cut, in milliseconds; never negative. */
  expiryError(milliseconds: number): void;
  /** An event came from the bus. */
  received(): void;
  /** Events handed to sockets. */
  delivered(events: number): void;
  /** Events among the delivered ones that a client had asked for by id. */
  replayed(events: number): void;
  gap(reason: GapReason): void;
  /** From ingest to the last socket of a lane, for the oldest event of a batch, in milliseconds. */
  latency(milliseconds: number): void;
}
