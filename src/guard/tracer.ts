import type { FetchResult } from './observer.ts';

/** What guards tell of the time they take; `telemetry/` implements it. */
export interface GuardTracer {
  /** A guard's keys are asked for. @returns to be called once, with what came of it */
  fetching(guard: string): (result: FetchResult) => void;
}
