import { collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import { type Clock, systemClock } from '../core/clock.ts';

const MS_PER_SECOND = 1000;
const SAMPLE_MS = 20;
const DELAY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** The process itself: Node's default metrics under their usual names, and two of ours. */
export function createProcessMetrics(registry: Registry, version: string, clock: Clock = systemClock): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'tidegate_build_info',
    help: 'Always 1; the label says which version runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
  // A histogram that only grows: a reading that is reset by each scrape would tell two Prometheus servers half each.
  const delay = new Histogram({
    name: 'tidegate_event_loop_delay_seconds',
    help: 'How late the event loop came to a timer, sampled every 20 ms, in seconds.',
    buckets: DELAY_BUCKETS_S,
    registers: [registry],
  });
  let last = clock.monotonicMs();
  clock.every(SAMPLE_MS, () => {
    const now = clock.monotonicMs();
    delay.observe(Math.max(0, now - last - SAMPLE_MS) / MS_PER_SECOND);
    last = now;
  });
}
