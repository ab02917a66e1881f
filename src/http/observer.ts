import type { RefusalCode } from './refusal.ts';

/** What came of a request to revoke. */
export type RevocationResult = 'stored' | 'refused' | 'repeated' | 'full' | 'unavailable';

/** What the port of revocations reports; `metrics/` implements it. */
export interface RevocationObserver {
  revoked(result: RevocationResult): void;
}

/** What requests report; `metrics/` implements it. */
export interface HttpObserver {
  /** A request was refused, or a client that asked for a stream was turned away. */
  rejected(code: RefusalCode): void;
  /** An answer was judged, from its arrival to the verdict, in milliseconds. */
  answered(milliseconds: number): void;
  /** An answer to this guard's challenge was refused. */
  answerRefused(guard: string): void;
}
