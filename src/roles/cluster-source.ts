import {
  type ClusterObject,
  composeConfiguration,
  configMapsOf,
  guardNamesOf,
} from '../config/cluster-configuration.ts';
import type { Configuration } from '../config/configuration.ts';
import { type Fault, faultText } from '../config/fault.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { UnreachableError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import { NamedObjects } from '../kube/named-objects.ts';
import type { ReflectorParts } from '../kube/reflector.ts';
import type { ResourceType } from '../kube/resource-type.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { ConfigMapMirror } from './config-map-mirror.ts';
import type { ConfigurationSource, ReferencePlaces } from './configuration-source.ts';

const EVENT_GATEWAYS: ResourceType = {
  group: 'tidegate.dev',
  version: 'v1alpha1',
  plural: 'eventgateways',
  kind: 'EventGateway',
};
const JWT_GUARDS: ResourceType = {
  group: 'tidegate.dev',
  version: 'v1alpha1',
  plural: 'jwtguards',
  kind: 'JwtGuard',
};
const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };

/** How long a process that starts waits for its configuration before it says that it can't get it. */
const START_MS = 30_000;
const LOOK_MS = 20;

export interface ClusterPlace {
  readonly name: string;
  readonly namespace: string;
  /** Where Secrets are mounted, and where the ConfigMaps that are watched are shown. */
  readonly places: { readonly secretsDir: string | undefined; readonly configMapsDir: string };
}

/**
 * The configuration of a role that takes it from the cluster: its own EventGateway, the JwtGuards that it names and the
 * ConfigMaps that those name, each watched by name. While the API server is away, what is in force stays.
 *
 * @throws UnreachableError when there is no good configuration in time
 */
export async function followCluster(
  place: ClusterPlace,
  parts: ReflectorParts,
  metrics: Metrics,
  log: Log,
  signal: AbortSignal,
): Promise<ConfigurationSource> {
  const source = new ClusterSource(place, parts, metrics, log);
  await source.start(parts.clock, signal);
  return source;
}

class ClusterSource implements ConfigurationSource {
  readonly places: ReferencePlaces;
  readonly #name: string;
  readonly #gateways: NamedObjects;
  readonly #guards: NamedObjects;
  readonly #configMaps: NamedObjects;
  readonly #mirror: ConfigMapMirror;
  readonly #metrics: Metrics;
  readonly #log: Log;
  #configuration: Configuration | undefined;
  #apply: ((next: Configuration) => void) | undefined;
  #told = '';
  #looking = false;

  constructor({ name, namespace, places }: ClusterPlace, parts: ReflectorParts, metrics: Metrics, log: Log) {
    const look = () => this.#lookSoon();
    this.#name = name;
    this.places = places;
    this.#gateways = new NamedObjects(EVENT_GATEWAYS, namespace, look, parts);
    this.#guards = new NamedObjects(JWT_GUARDS, namespace, look, parts);
    this.#configMaps = new NamedObjects(CONFIG_MAPS, namespace, look, parts);
    this.#mirror = new ConfigMapMirror(places.configMapsDir);
    this.#metrics = metrics;
    this.#log = log;
  }

  async start(clock: Clock, signal: AbortSignal): Promise<void> {
    this.#gateways.want(new Set([this.#name]));
    const sinceMs = clock.monotonicMs();
    while (this.#configuration === undefined) {
      if (signal.aborted) throw new UnreachableError('told to end before the configuration was there');
      if (clock.monotonicMs() - sinceMs > START_MS) {
        const why = [this.#gateways, this.#guards, this.#configMaps].flatMap(({ failures }) => failures);
        const reason = why[0] ?? `there is no usable EventGateway ${this.#name}`;
        throw new UnreachableError(
          `no configuration from the cluster within ${START_MS / 1000} s: ${reason}`,
        );
      }
      await sleep(clock, LOOK_MS);
    }
  }

  current(): Configuration {
    if (this.#configuration === undefined) throw new TypeError('it has not been started');
    return this.#configuration;
  }

  onChange(apply: (next: Configuration) => void): void {
    const first = this.#configuration;
    this.#apply = apply;
    if (first !== undefined) apply(first);
  }

  async stop(): Promise<void> {
    this.#apply = undefined;
    await Promise.all([this.#gateways.stop(), this.#guards.stop(), this.#configMaps.stop()]);
  }

  /** A burst of changes, such as a first list of everything, is one look. */
  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const gateway = this.#gateways.get(this.#name);
    if (gateway === undefined) return;
    this.#guards.want(guardNamesOf(gateway));
    if (!this.#guards.synced) return;
    const guards: readonly ClusterObject[] = this.#guards.all;
    const { configuration, faults } = composeConfiguration(gateway, guards, this.#configuration);
    this.#tell(faults);
    if (configuration === undefined) return;
    this.#configMaps.want(new Set(configMapsOf(configuration).map(({ name }) => name)));
    if (!this.#configMaps.synced) return;
    try {
      await this.#mirror.show(this.#configMaps.all);
    } catch (error) {
      // What refers to it says that it can't be read; the rest goes on.
      this.#log.error('ConfigMaps can not be written as files', { error });
    }
    if (isSame(configuration, this.#configuration)) return;
    this.#configuration = configuration;
    this.#metrics.config.reload('applied');
    this.#apply?.(configuration);
    const { name, generation } = configuration.gateway;
    this.#log.info('configuration applied', { gateway: name, generation });
  }

  /** Once for what is wrong, not at every look. */
  #tell(faults: readonly Fault[]): void {
    const texts = faults.map(faultText);
    const told = texts.join('\n');
    if (told === this.#told) return;
    this.#told = told;
    if (texts.length === 0) return;
    this.#metrics.config.reload('refused');
    this.#log.error('configuration refused, the last good one stays', { faults: texts });
  }
}

/** Generations tell two specs of one object apart. */
function isSame(a: Configuration, b: Configuration | undefined): boolean {
  return b !== undefined && fingerprint(a) === fingerprint(b);
}

function fingerprint({ gateway, guards }: Configuration): string {
  const each = [...guards.values()].map(({ name, uid, generation }) => [name, uid, generation].join(' '));
  return [[gateway.uid, gateway.generation].join(' '), ...each.toSorted()].join('\n');
}
