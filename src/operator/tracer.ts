import { CodedError } from '../core/coded-error.ts';
import type { WorkOutcome } from '../kube/observer.ts';
import type { Work } from '../kube/work-queue.ts';

/** What the operator tells of the time it takes; `telemetry/` implements it. */
export interface OperatorTracer {
  /** An object is reconciled. @returns to be called once, with what came of it */
  reconciling(what: Reconciled): (outcome: WorkOutcome) => void;
}

export interface Reconciled {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** @param parse the object that a key is about; without a tracer the work is left as it is */
export function tracedWork(
  tracer: OperatorTracer | undefined,
  parse: (key: string) => Reconciled,
  work: Work,
): Work {
  if (tracer === undefined) return work;
  return async (key, signal) => {
    const end = tracer.reconciling(parse(key));
    try {
      const result = await work(key, signal);
      end('done');
      return result;
    } catch (error) {
      end(error instanceof CodedError && !error.retryable ? 'terminal' : 'retry');
      throw error;
    }
  };
}
