import type { KubeCode } from './kube-error.ts';

/** What following the cluster and working on it report; `metrics/` implements it. */
export interface ReflectorObserver {
  /** The whole of a type (`jwtguards.tidegate.dev`) was listed: at first, and whenever the watch could not go on. */
  listed(type: string, objects: number): void;
  /** A list or a watch failed and will be tried again; `internal` is a fault of ours. */
  failed(type: string, code: KubeCode | 'internal'): void;
}

export interface WorkQueueObserver {
  /** Keys that wait for a worker now. */
  waiting(queue: string, keys: number): void;
  /** A worker has taken a key that was ready for so long. */
  started(queue: string, waitedMs: number): void;
  finished(queue: string, outcome: WorkOutcome, tookMs: number): void;
}

/** `retry`: failed and will be tried again. `terminal`: failed, and only a change can help. */
export type WorkOutcome = 'done' | 'retry' | 'terminal';
