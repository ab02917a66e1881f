import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BusHealth } from '../bus/bus.ts';
import type { BusObserver } from '../bus/observer.ts';

const MS_PER_SECOND = 1000;
const PROBE_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface BusMetrics extends BusObserver {
  /** Whether this bus is reachable is read when scraped, from now on. */
  watch(bus: BusHealth): void;
}

export function createBusMetrics(registry: Registry): BusMetrics {
  const registers = [registry];
  let watched: BusHealth | undefined;
  new Gauge({
    name: 'tidegate_bus_connected',
    help: 'Whether the bus is reachable: 1 or 0.',
    registers,
    collect() {
      if (watched !== undefined) this.set(Number(watched.health().connected));
    },
  });
  const reconnects = new Counter({
    name: 'tidegate_bus_reconnects_total',
    help: 'Connections to the bus that were lost or given up, and made anew.',
    registers,
  });
  const backfilled = new Counter({
    name: 'tidegate_bus_backfilled_events_total',
    help: 'Events fetched from the log, since the live channel had not brought them.',
    registers,
  });
  const probe = new Histogram({
    name: 'tidegate_bus_probe_seconds',
    help: 'From the sending of a probe to its arrival through the live channel, in seconds.',
    buckets: PROBE_BUCKETS_S,
    registers,
  });
  return {
    watch(bus) {
      watched = bus;
    },
    reconnected: () => reconnects.inc(),
    backfilled: (events) => backfilled.inc(events),
    probed: (milliseconds) => probe.observe(milliseconds / MS_PER_SECOND),
  };
}
