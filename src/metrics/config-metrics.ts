import { Counter, type Registry } from 'prom-client';

export type ReloadResult = 'applied' | 'refused' | 'missing';

const RESULTS: readonly ReloadResult[] = ['applied', 'refused', 'missing'];

export interface ConfigMetrics {
  reload(result: ReloadResult): void;
}

export function createConfigMetrics(registry: Registry): ConfigMetrics {
  const reloads = new Counter({
    name: 'tidegate_config_reloads_total',
    help: 'Changes of the configuration that were seen, by result; a refused one leaves the last good one in force.',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of RESULTS) reloads.inc({ result }, 0);
  return { reload: (result) => reloads.inc({ result }) };
}
