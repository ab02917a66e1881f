import type { EpochMs, Subject } from '../core/brand.ts';

/**
 * What a verified token permits, and the evidence it rests on, so that a running stream can be judged again
 * when its guard or the guard's keys change, without keeping the token.
 * Immutable; shared by every stream that was opened with the same token.
 */
export interface Grant {
  /** The guard that verified the token: its name, its identity (a deleted and re-created guard is another), its generation. */
  readonly guard: string;
  readonly guardUid: string;
  readonly generation: number;
  /** Absent when the token lacks the subject claim: such a stream is never challenged. */
  readonly subject: Subject | undefined;
  readonly session: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** `exp`, rounded down to the millisecond. */
  readonly expiresAt: EpochMs;
  /** `exp + clockSkew`: no event is written at or after it. */
  readonly closeAt: EpochMs;
  readonly issuedAt: EpochMs | undefined;
  /** The verified payload; topics with `${claim}` are filled from it. Never logged. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly algorithm: string;
  /** RFC 7638 thumbprint of the key that verified the signature. */
  readonly keyThumbprint: string;
  /**
   * SHA-256, base64url, of what the token's signature covers: tells two tokens apart without keeping either.
   * Without the signature, because an ECDSA one can be rewritten by anybody who has seen it.
   */
  readonly tokenHash: string;
}
