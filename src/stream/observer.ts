import type { EpochMs } from '../core/brand.ts';
import type { Authorisation } from './authorisation.ts';
import type { CloseReason } from './close-reason.ts';
import type { Transport } from './transport.ts';

/** Why a client was told of a gap. */
export type GapReason = 'malformed' | 'future' | 'trimmed' | 'too_far_behind' | 'lost';
/** `client_gone`: the peer closed first. */
export type ClosedReason = CloseReason | 'client_gone';
export type ChallengeOutcome = 'sent' | 'answered' | 'refused' | 'unanswered';

/** What can be told of a stream when it is over. */
export interface EndedStream {
  readonly path: string;
  readonly authorisation: Pick<Authorisation, 'guard' | 'subject'>;
  readonly transport: Pick<Transport, 'protocol'>;
  readonly openedAt: EpochMs;
  readonly events: number;
  readonly bytes: number;
  readonly challenges: number;
}

/** Is told of every stream when it ends, once, and may not throw. */
export type OnEnded = (reason: ClosedReason, stream: EndedStream) => void;

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
