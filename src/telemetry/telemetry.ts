import {
  type AttributeValue,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { type Clock, sleep } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { GuardTracer } from '../guard/tracer.ts';
import type { HttpTracer } from '../http/tracer.ts';
import type { OperatorTracer } from '../operator/tracer.ts';
import { ReportedExporter } from './reported-exporter.ts';
import { samplerOf } from './sampler.ts';

/** Spans that wait for the collector, some 2 MB; beyond, they are dropped. */
const WAITING_MAX = 2_048;
const BATCH_MAX = 512;
const BATCH_EVERY_MS = 2_000;
/** One batch, with what is tried again. */
const DELIVERY_MS_MAX = 5_000;

export interface TelemetrySettings {
  /** Where spans are posted to, as OTLP in JSON. */
  readonly url: string;
  /** Unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  readonly version: string;
  readonly instance: string;
  readonly sampler: string | undefined;
  readonly samplerArgument: string | undefined;
}

/** Spans of what the rooms tell, sent to a collector. Nobody waits for it. */
export interface Telemetry {
  readonly http: HttpTracer;
  readonly guard: GuardTracer;
  readonly operator: OperatorTracer;
  /** Delivers what waits, for at most so long. */
  stop(limitMs: number): Promise<void>;
}

/** Headers, compression and certificates are taken from the variables that OpenTelemetry gives its exporters. */
export function startTelemetry(settings: TelemetrySettings, clock: Clock, log: Log): Telemetry {
  const exporter = new OTLPTraceExporter({
    url: settings.url,
    timeoutMillis: DELIVERY_MS_MAX,
    concurrencyLimit: 1,
    userAgent: `tidegate/${settings.version}`,
  });
  const provider = new TracerProvider({
    sampler: samplerOf(settings.sampler, settings.samplerArgument),
    resource: resourceOf(settings),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new ReportedExporter(exporter, log),
        maxQueueSize: WAITING_MAX,
        maxExportBatchSize: BATCH_MAX,
        scheduledDelayMillis: BATCH_EVERY_MS,
        exportTimeoutMillis: DELIVERY_MS_MAX,
      }),
    ],
  });
  const tracer = provider.getTracer('tidegate', settings.version);
  return {
    http: {
      begin(name, parent) {
        const remote = parseTraceParent(parent);
        const context =
          remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
        const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, context);
        return ({ path, guard, outcome, failed, resumed, owner }) =>
          end(span, failed, {
            'http.route': path,
            'tidegate.guard': guard,
            'tidegate.outcome': outcome,
            'tidegate.resumed': resumed,
            'tidegate.owner': owner,
          });
      },
    },
    guard: {
      fetching(guard) {
        const span = tracer.startSpan('jwks fetch', { kind: SpanKind.CLIENT }, ROOT_CONTEXT);
        return (result) =>
          end(span, result !== 'ok' && result !== 'not_modified', {
            'tidegate.guard': guard,
            'tidegate.outcome': result,
          });
      },
    },
    operator: {
      reconciling({ kind, namespace, name }) {
        const span = tracer.startSpan('reconcile', { kind: SpanKind.INTERNAL }, ROOT_CONTEXT);
        return (outcome) =>
          end(span, outcome !== 'done', {
            'tidegate.kind': kind,
            'k8s.namespace.name': namespace,
            'tidegate.name': name,
            'tidegate.outcome': outcome,
          });
      },
    },
    async stop(limitMs) {
      const delivered = provider.shutdown().catch(() => {
        // It has been told by the exporter, and there is nothing left to do with them.
      });
      await Promise.race([delivered, sleep(clock, limitMs)]);
    },
  };
}

function end(
  span: Span,
  failed: boolean,
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) span.setAttribute(name, value);
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function resourceOf({ serviceName, version, instance }: TelemetrySettings) {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': serviceName,
        'service.version': version,
        'service.instance.id': instance,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}
