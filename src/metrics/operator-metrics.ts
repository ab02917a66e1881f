import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReflectorObserver, WorkOutcome, WorkQueueObserver } from '../kube/observer.ts';
import type { OperatorObserver } from '../operator/observer.ts';

const RESULTS: readonly WorkOutcome[] = ['done', 'retry', 'terminal'];
const DURATION_BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];
const MS_PER_SECOND = 1000;

export interface OperatorMetrics extends OperatorObserver, ReflectorObserver, WorkQueueObserver {
  /** From when it is called, `/metrics` shows for how long each of these has not been heard of. */
  watch(
    watches: () => Iterable<{ readonly resource: string; readonly ageSeconds: number | undefined }>,
  ): void;
}

export function createOperatorMetrics(registry: Registry): OperatorMetrics {
  const registers = [registry];
  const reconciles = new Counter({
    name: 'tidegate_reconcile_total',
    help: 'Reconciles by result: done, retry (failed and tried again) or terminal (only a change can help).',
    labelNames: ['result'],
    registers,
  });
  for (const result of RESULTS) reconciles.inc({ result }, 0);
  const durations = new Histogram({
    name: 'tidegate_reconcile_duration_seconds',
    help: 'How long a reconcile took, in seconds.',
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const depth = new Gauge({
    name: 'tidegate_workqueue_depth',
    help: 'Objects that wait to be reconciled.',
    registers,
  });
  const leader = new Gauge({ name: 'tidegate_leader', help: '1 while this process leads.', registers });
  const relists = new Counter({
    name: 'tidegate_relists_total',
    help: 'Whole lists of a type: the first, and each after a watch that could not go on.',
    labelNames: ['resource'],
    registers,
  });
  const failures = new Counter({
    name: 'tidegate_watch_failures_total',
    help: 'Lists and watches of a type that failed and were tried again.',
    labelNames: ['resource'],
    registers,
  });
  return {
    leading: (is) => leader.set(is ? 1 : 0),
    listed: (resource) => relists.inc({ resource }),
    failed: (resource) => failures.inc({ resource }),
    waiting: (_queue, keys) => depth.set(keys),
    started() {},
    finished(_queue, result, tookMs) {
      reconciles.inc({ result });
      durations.observe(tookMs / MS_PER_SECOND);
    },
    watch(watches) {
      new Gauge({
        name: 'tidegate_watch_age_seconds',
        help: 'For how long nothing has been heard of a type, not even that nothing has changed.',
        labelNames: ['resource'],
        registers,
        collect() {
          this.reset();
          for (const { resource, ageSeconds } of watches()) {
            if (ageSeconds !== undefined) this.set({ resource }, ageSeconds);
          }
        },
      });
    },
  };
}
