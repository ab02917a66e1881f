import { Counter, Gauge, type Registry } from 'prom-client';
import type { RevocationObserver, RevocationResult } from '../http/observer.ts';

const MS_PER_SECOND = 1000;
const RESULTS: readonly RevocationResult[] = ['stored', 'refused', 'repeated', 'full', 'unavailable'];

export interface RevocationGauges {
  /** Since all of them were last known to be here, in milliseconds. */
  status(): { readonly held: number; readonly ageMs: number };
}

export interface RevocationMetrics extends RevocationObserver {
  watch(gauges: RevocationGauges): void;
}

export function createRevocationMetrics(registry: Registry): RevocationMetrics {
  const registers = [registry];
  let watched: RevocationGauges | undefined;
  const revoked = new Counter({
    name: 'tidegate_revocations_total',
    help: 'Requests to this process to revoke tokens, by result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of RESULTS) revoked.inc({ result }, 0);
  new Gauge({
    name: 'tidegate_revocations',
    help: 'Revocations that are in force in this process.',
    registers,
    collect() {
      this.set(watched?.status().held ?? 0);
    },
  });
  new Gauge({
    name: 'tidegate_revocations_age_seconds',
    help: 'Time since this process was last known to have every revocation, in seconds.',
    registers,
    collect() {
      this.set((watched?.status().ageMs ?? 0) / MS_PER_SECOND);
    },
  });
  return {
    watch(gauges) {
      watched = gauges;
    },
    revoked: (result) => revoked.inc({ result }),
  };
}
