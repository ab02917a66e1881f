import type { Metrics } from '../../src/metrics/metrics.ts';

const NAME = /\b(?:tidegate|process|nodejs)[_:][a-z0-9_:]+/g;
const SUFFIXES = ['_bucket', '_sum', '_count'];

/** What a query asks for. Matchers and labels have no such names. */
export function metricNames(query: string): readonly string[] {
  return [...new Set(query.match(NAME) ?? [])];
}

/** Everything that a process of any role shows, with the series that a histogram becomes. */
export function shownNames(metrics: Metrics): readonly string[] {
  metrics.operator().watch(() => []);
  return metrics
    .definitions()
    .flatMap(({ name, type }) =>
      type === 'histogram' ? SUFFIXES.map((suffix) => `${name}${suffix}`) : [name],
    );
}
