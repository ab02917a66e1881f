import type { RingBounds } from './ring.ts';

/** What of an EventGateway concerns streams; read anew at each use, so that a change takes effect at once. */
export interface StreamSettings {
  readonly ring: RingBounds;
  readonly replayPerStreamMax: number;
  readonly connectionsMax: number;
  readonly perHolderMax: number;
  readonly lagMaxMs: number;
  /** Absent: a stream may last as long as its token. */
  readonly streamAgeMs: number | undefined;
  readonly heartbeatMs: number;
  readonly retryMs: number;
}

/** So that clients that were cut together do not come back together. */
export const RETRY_JITTER = 0.25;
