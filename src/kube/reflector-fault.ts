import type { Random } from '../core/random.ts';
import { type BackoffRange, backoffMs } from './backoff.ts';
import { isKubeError, type KubeCode } from './kube-error.ts';

const RETRY: BackoffRange = { minMs: 100, maxMs: 5_000 };
/** A Role is mostly there a moment later. */
const FORBIDDEN_RETRY: BackoffRange = { minMs: 100, maxMs: 10_000 };
/** A CRD is installed by hand. */
const NOT_FOUND_RETRY: BackoffRange = { minMs: 10_000, maxMs: 30_000 };

/** Why following fails; `internal` is a fault of ours. */
export interface ReflectorFault {
  readonly code: KubeCode | 'internal';
  readonly why: string;
}

export function reflectorFault(error: unknown): ReflectorFault {
  if (isKubeError(error)) return { code: error.code, why: error.message };
  return { code: 'internal', why: error instanceof Error ? error.message : String(error) };
}

/** @param failures in a row, from 1 */
export function retryDelayMs(error: unknown, failures: number, random: Random): number {
  if (!isKubeError(error)) return backoffMs(failures, RETRY, random);
  // To be expected now and then; only when a list leads to it again there is something to wait for.
  if (error.code === 'gone' && failures === 1) return 0;
  return Math.max(backoffMs(failures, rangeOf(error.code), random), error.retryAfterMs);
}

function rangeOf(code: KubeCode): BackoffRange {
  if (code === 'forbidden') return FORBIDDEN_RETRY;
  return code === 'not_found' ? NOT_FOUND_RETRY : RETRY;
}
