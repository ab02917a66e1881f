import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

const NANOSECONDS_PER_SECOND = 1e9;
const RESOLUTION_MS = 10;
const QUANTILES = [0.5, 0.99, 1] as const;

/** The process itself: Node's default metrics under their usual names, and two of ours. */
export function createProcessMetrics(registry: Registry, version: string): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'tidegate_build_info',
    help: 'Always 1; the label says which version runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  new Gauge({
    name: 'tidegate_event_loop_delay_seconds',
    help: 'How late the event loop was since the last scrape, in seconds, by quantile; 1 is the longest stall.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of QUANTILES) {
        const nanoseconds = quantile === 1 ? delay.max : delay.percentile(quantile * 100);
        this.set({ quantile: String(quantile) }, nanoseconds / NANOSECONDS_PER_SECOND);
      }
      delay.reset();
    },
  });
}
