/** Each is a promise of the contract that a history disproves. */
export type ViolationKind =
  /** Acknowledged, for this client, and neither delivered nor covered by a gap though later things were. */
  | 'lost'
  /** The same at the end of the run: nothing later came, and time was given. */
  | 'undelivered'
  /** The same id twice to one client, however often it reconnected. */
  | 'duplicate'
  /** An id that does not rise, for an event that the client had not had. */
  | 'disorder'
  /** The client was told an id that lies before one that it had. */
  | 'position_falls'
  /** An event that nobody sent. */
  | 'unknown_event'
  /** An event for other topics or other subjects. */
  | 'not_for_client'
  /** One id for two events, or two ids for one. */
  | 'identity'
  /** A producer's acknowledged ids do not rise in the order in which it sent. */
  | 'producer_disorder'
  /** Acknowledged twice, or without having been sent. */
  | 'bad_acknowledgement'
  /** Refused for another reason than that the log was away. */
  | 'refused'
  /** An event outside of an open stream: before its opening, after its end. */
  | 'no_stream'
  /** An event before its stream's authorisation began. */
  | 'before_authorisation'
  /** An event that was sent, or came, after its stream's authorisation had ended. */
  | 'after_authorisation'
  /** An event that was sent, or came, when its stream's token was revoked and every gateway had to know. */
  | 'after_revocation'
  /** A stream of a revoked token that was not ended in time. */
  | 'cut_late'
  /** A revoked token that was honoured when every gateway had to know: for a stream, or as an answer. */
  | 'let_in'
  /** Ended or refused as revoked although nobody had asked for that. */
  | 'wrongly_revoked'
  /** A revocation refused for another reason than that Redis was away. */
  | 'revocation_refused'
  /** Ended as expired although the token, or an answer that was accepted, was good for longer. */
  | 'expired_early'
  /** A stream that does not resume and does not say where it begins. */
  | 'headless'
  /** The client resumed from elsewhere than where it was: the harness is at fault. */
  | 'bad_resume'
  /** What a gap says will be sent first was not. */
  | 'untrue_gap'
  /** A gap told during a fault that must lose nothing. */
  | 'needless_gap'
  /** A client that had not found its way back when the run ended. */
  | 'absent';

export interface Violation {
  readonly kind: ViolationKind;
  readonly client?: string;
  readonly producer?: string;
  /** Event ids concerned, the missing or offending one first; of many missing ones, the first few. */
  readonly ids: readonly string[];
  /** How many are missing. */
  readonly count?: number;
  readonly ref?: string;
  /** Indexes into the history, the entry that shows it first. */
  readonly entries: readonly number[];
}
