import { Registry } from 'prom-client';
import { type BusMetrics, createBusMetrics } from './bus-metrics.ts';
import { type ConfigMetrics, createConfigMetrics } from './config-metrics.ts';
import { createGuardMetrics, type GuardMetrics } from './guard-metrics.ts';
import { createHttpMetrics } from './http-metrics.ts';
import { createIngestMetrics } from './ingest-metrics.ts';
import { createOperatorMetrics, type OperatorMetrics } from './operator-metrics.ts';
import { createProcessMetrics } from './process-metrics.ts';
import { createRevocationMetrics, type RevocationMetrics } from './revocation-metrics.ts';
import { createStreamMetrics, type StreamMetrics } from './stream-metrics.ts';

/** Everything that `/metrics` shows, and the observers that feed it. */
export interface Metrics {
  readonly stream: StreamMetrics;
  readonly http: ReturnType<typeof createHttpMetrics>;
  readonly guard: GuardMetrics;
  readonly revocation: RevocationMetrics;
  readonly ingest: ReturnType<typeof createIngestMetrics>;
  readonly bus: BusMetrics;
  readonly config: ConfigMetrics;
  /** Made when it is called, once: other roles do not show them. */
  operator(): OperatorMetrics;
  /** The text format, and its content type. */
  readonly contentType: string;
  text(): Promise<string>;
  /** What there is to be shown, whatever has happened so far. */
  definitions(): readonly MetricDefinition[];
}

export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly labels: readonly string[];
}

/** A registry of its own, so that two gateways in one process, as in tests, do not share counters. */
export function createMetrics({ version }: { readonly version: string }): Metrics {
  const registry = new Registry();
  createProcessMetrics(registry, version);
  const guard = createGuardMetrics(registry);
  return {
    stream: createStreamMetrics(registry, guard.names),
    http: createHttpMetrics(registry),
    guard,
    revocation: createRevocationMetrics(registry),
    ingest: createIngestMetrics(registry),
    bus: createBusMetrics(registry),
    config: createConfigMetrics(registry),
    operator: () => createOperatorMetrics(registry),
    contentType: registry.contentType,
    text: () => registry.metrics(),
    definitions: () => registry.getMetricsAsArray().map(definition),
  };
}

/** The package tells labels of its objects, but not in its types. */
function definition(metric: { readonly name: string; readonly help: string }): MetricDefinition {
  const { type, labelNames = [] }: Pick<MetricDefinition, 'type'> & { labelNames?: readonly string[] } =
    Object(metric);
  return { name: metric.name, help: metric.help, type, labels: labelNames };
}
