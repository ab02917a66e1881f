import { Counter, Gauge, type Registry } from 'prom-client';
import { KEY_SET_ERROR_CODES } from '../guard/key-set-error.ts';
import type { FetchResult, GuardObserver } from '../guard/observer.ts';

const MS_PER_SECOND = 1000;
const RESULTS: readonly FetchResult[] = ['ok', 'not_modified', ...KEY_SET_ERROR_CODES];

export interface GuardGauges {
  status(): readonly { readonly name: string; readonly generation: number; readonly keysAgeMs?: number }[];
}

export interface GuardMetrics extends GuardObserver {
  /** From now on the gauges show these guards; a guard that is gone is gone from the metrics too. */
  watch(gauges: GuardGauges): void;
  /** The names of the guards that are watched. */
  names(): readonly string[];
}

export function createGuardMetrics(registry: Registry): GuardMetrics {
  const registers = [registry];
  let watched: GuardGauges | undefined;
  const fetched = new Counter({
    name: 'tidegate_jwks_fetches_total',
    help: "Attempts to fetch a guard's key set from its URL, by result.",
    labelNames: ['guard', 'result'],
    registers,
  });
  const hits = new Counter({
    name: 'tidegate_token_cache_hits_total',
    help: 'Tokens whose signature had been verified before.',
    registers,
  });
  const misses = new Counter({
    name: 'tidegate_token_cache_misses_total',
    help: 'Tokens whose signature had to be verified.',
    registers,
  });
  new Gauge({
    name: 'tidegate_guard_generation',
    help: "The generation of each guard's specification that is in force.",
    labelNames: ['guard'],
    registers,
    collect() {
      this.reset();
      for (const { name: guard, generation } of watched?.status() ?? []) this.set({ guard }, generation);
    },
  });
  new Gauge({
    name: 'tidegate_jwks_age_seconds',
    help: "Time since a guard's key set was last fetched or confirmed, in seconds.",
    labelNames: ['guard'],
    registers,
    collect() {
      this.reset();
      for (const { name: guard, keysAgeMs } of watched?.status() ?? []) {
        if (keysAgeMs !== undefined) this.set({ guard }, keysAgeMs / MS_PER_SECOND);
      }
    },
  });
  const known = new Set<string>();
  return {
    watch(gauges) {
      watched = gauges;
    },
    names: () => watched?.status().map(({ name }) => name) ?? [],
    fetched(guard, result) {
      // The others stand at zero from now on; a guard whose keys come from no URL shows none of them.
      if (!known.has(guard)) for (const each of RESULTS) fetched.inc({ guard, result: each }, 0);
      known.add(guard);
      fetched.inc({ guard, result });
    },
    cached: (result) => (result === 'hit' ? hits : misses).inc(),
  };
}
