import { Counter, Gauge, type Registry } from 'prom-client';
import type { IngestObserver } from '../ingest/observer.ts';

export function createIngestMetrics(registry: Registry): IngestObserver {
  const registers = [registry];
  const lines = new Counter({
    name: 'tidegate_ingest_lines_total',
    help: 'Lines that producers sent, by result.',
    labelNames: ['result'],
    registers,
  });
  const connections = new Gauge({
    name: 'tidegate_ingest_connections',
    help: 'Producers that are connected by TCP.',
    registers,
  });
  for (const result of ['accepted', 'refused', 'unavailable']) lines.inc({ result }, 0);
  return { line: (result) => lines.inc({ result }), connections: (open) => connections.set(open) };
}
