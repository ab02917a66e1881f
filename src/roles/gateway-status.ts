import type { BusHealth } from '../bus/bus.ts';
import type { RevocationStore } from '../bus/revocation-store.ts';
import type { EventGatewaySpec } from '../config/event-gateway.ts';
import type { Guards } from '../guard/guards.ts';
import type { Readiness } from '../http/admin.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Gateway } from './gateway-parts.ts';
import { version } from './version.ts';

export interface GatewayState {
  readonly gateway: Gateway;
  readonly guards: Guards;
  readonly bus: BusHealth;
  readonly revocations: Pick<RevocationStore, 'ageMs'>;
}

/** Checked twice a second; later than this, somebody may be let in who has been revoked. */
const REVOCATIONS_AGE_MAX_MS = 5_000;

/** Everything that metrics read when they are scraped. */
export function watchGateway(metrics: Metrics, state: GatewayState, spec: EventGatewaySpec): void {
  const { gateway, guards, bus } = state;
  metrics.stream.watch(gateway.hub);
  metrics.stream.paths(spec.streams.map(({ path }) => path));
  metrics.guard.watch(guards);
  metrics.bus.watch(bus);
  metrics.revocation.watch({ status: () => revocationStatus(state) });
  metrics.http.onRefused((guard) => metrics.stream.challenge(guard, 'refused'));
}

/** `/status`: no subjects, no tokens. */
export function gatewayStatus(state: GatewayState): object {
  const { gateway, guards, bus } = state;
  const judged = guards.status().map((each) => {
    const uid = guards.get(each.name)?.uid ?? '';
    return { ...each, uid, enforcedGeneration: gateway.enforcedGeneration(uid) };
  });
  const revocations = revocationStatus(state);
  return { version, ...gateway.hub.status(), guards: judged, bus: bus.health(), revocations };
}

function revocationStatus({ guards, revocations }: Omit<GatewayState, 'gateway'>) {
  return { held: guards.revocations.size, ageMs: Math.round(revocations.ageMs()) };
}

/**
 * `/readyz`. A gateway without Redis keeps its streams and its answers, so it is merely degraded, unless `redis.required`:
 * a Service whose pods are all unready could not even be answered to.
 */
export function gatewayReadiness(
  { guards, bus, revocations }: Omit<GatewayState, 'gateway'>,
  redis: EventGatewaySpec['redis'],
  leaving: boolean,
): Readiness {
  const health = bus.health();
  const missing = [
    ...(leaving ? ['this process is about to stop'] : []),
    ...(!health.connected && redis?.required === true && health.forMs > redis.notReadyAfter
      ? ['the bus has been away for too long']
      : []),
  ];
  const degraded = guards
    .status()
    .flatMap(({ keys, name }) => (keys === 0 ? [`guard ${name} has no keys and lets nobody in`] : []));
  if (!health.connected) degraded.push(`the bus is away: ${health.reason}`);
  if (revocations.ageMs() > REVOCATIONS_AGE_MAX_MS) degraded.push('revocations can not be checked');
  return { ready: missing.length === 0, missing, degraded };
}
