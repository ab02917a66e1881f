import { Counter, Histogram, type Registry } from 'prom-client';
import type { HttpObserver } from '../http/observer.ts';
import { REFUSALS } from '../http/refusal.ts';

const MS_PER_SECOND = 1000;
const ANSWER_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2];

/** `challenges_total` belongs to the streams; refused answers are counted there through `refused`. */
export function createHttpMetrics(
  registry: Registry,
): HttpObserver & { onRefused(count: (guard: string) => void): void } {
  const rejected = new Counter({
    name: 'tidegate_requests_rejected_total',
    help: 'Requests refused and clients turned away, by code.',
    labelNames: ['code'],
    registers: [registry],
  });
  for (const code of Object.keys(REFUSALS)) rejected.inc({ code }, 0);
  const answered = new Histogram({
    name: 'tidegate_answer_duration_seconds',
    help: 'From the arrival of an answer to its verdict, in seconds.',
    buckets: ANSWER_BUCKETS_S,
    registers: [registry],
  });
  let refused: (guard: string) => void = () => {};
  return {
    onRefused(count) {
      refused = count;
    },
    rejected: (code) => rejected.inc({ code }),
    answered: (milliseconds) => answered.observe(milliseconds / MS_PER_SECOND),
    answerRefused: (guard) => refused(guard),
  };
}
