import type { Configuration } from '../config/configuration.ts';
import { faultText } from '../config/fault.ts';
import { FileSource } from '../config/file-source.ts';
import { systemClock as clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ConfigurationSource } from './configuration-source.ts';

/**
 * The configuration of a role that takes it from a file, watched; every verdict on it is logged and counted.
 *
 * @throws InputError when there is no good one to begin with
 */
export async function followConfigurationFile(
  file: string,
  references: string | undefined,
  metrics: Metrics,
  log: Log,
): Promise<ConfigurationSource> {
  // Only when everything is there to take a change; one that comes before is caught up with.
  let apply: ((next: Configuration) => void) | undefined;
  const source = new FileSource({
    file,
    clock,
    onConfiguration: (next) => apply?.(next),
    observer: {
      reloaded: () => metrics.config.reload('applied'),
      refused(faults) {
        metrics.config.reload('refused');
        log.error('configuration refused, the last good one stays', { faults: faults.map(faultText) });
      },
      missing() {
        metrics.config.reload('missing');
        log.warn('configuration file is missing, the last good one stays', { file });
      },
    },
  });
  await source.start();
  const first = source.configuration;
  return {
    places: { secretsDir: references, configMapsDir: references },
    current: () => source.configuration,
    onChange(take) {
      apply = (next) => {
        take(next);
        log.info('configuration applied', {
          gateway: next.gateway.name,
          generation: next.gateway.generation,
        });
      };
      if (source.configuration !== first) apply(source.configuration);
    },
    stop: () => source.stop(),
  };
}
