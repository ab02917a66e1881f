import { Counter, Gauge, type Registry } from 'prom-client';

export type ReloadResult = 'applied' | 'refused' | 'missing';

export interface ConfigMetrics {
  reload(result: ReloadResult): void;
  /** Whether the bus is reachable, read when scraped. */
  watchBus(health: () => { readonly connected: boolean }): void;
}

export function createConfigMetrics(registry: Registry): ConfigMetrics {
  const registers = [registry];
  let health: (() => { readonly connected: boolean }) | undefined;
  const reloads = new Counter({
    name: 'tidegate_config_reloads_total',
    help: 'Changes of the configuration that were seen, by result; a refused one leaves the last good one in force.',
    labelNames: ['result'],
    registers,
  });
  new Gauge({
    name: 'tidegate_bus_connected',
    help: 'Whether the bus is reachable: 1 or 0.',
    registers,
    collect() {
      if (health !== undefined) this.set(Number(health().connected));
    },
  });
  for (const result of ['applied', 'refused', 'missing']) reloads.inc({ result }, 0);
  return {
    reload: (result) => reloads.inc({ result }),
    watchBus(read) {
      health = read;
    },
  };
}
