import { type ResourceType, typeName } from '../../kube/resource-type.ts';
import { CHILD_TYPES } from '../kinds.ts';
import { COMPONENTS } from '../names.ts';
import { access } from './access.ts';
import { autoscaler } from './autoscaler.ts';
import type { Child, Wish } from './child.ts';
import { deployment } from './deployment.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { httpRoute } from './http-route.ts';
import { gatewayNetworkPolicy, ingestNetworkPolicy } from './network-policy.ts';
import { adminService, gatewayService, ingestService, revocationsService } from './service.ts';
import { serviceMonitor } from './service-monitor.ts';
import { gatewayWorkload, ingestWorkload } from './workload.ts';

/** On the gateway's Deployment: who says how many pods there are. */
export const SCALED_BY_ANNOTATION = 'tidegate.dev/scaled-by';
export type ScaledBy = 'operator' | 'autoscaler';

/**
 * All that the gateway is to own, in the order in which it is to be applied.
 *
 * @param scaledBy an autoscaler leaves no number of replicas to us; while there is no Deployment yet, we still name one
 */
export function children(wish: Wish, scaledBy: ScaledBy): readonly Child[] {
  const { autoscaling, replicas } = wish.spec.gateway;
  const wanted = autoscaling?.minReplicas ?? replicas;
  const all = [
    ...COMPONENTS.flatMap((component) => access(wish, component)),
    gatewayNetworkPolicy(wish),
    ingestNetworkPolicy(wish),
    gatewayService(wish),
    ingestService(wish),
    adminService(wish),
    revocationsService(wish),
    deployment(wish, gatewayWorkload(wish), scaledBy === 'operator' ? wanted : undefined, {
      [SCALED_BY_ANNOTATION]: scaledBy,
    }),
    deployment(wish, ingestWorkload(wish), wish.spec.ingest.replicas, {}),
    ...COMPONENTS.map((component) => disruptionBudget(wish, component)),
    autoscaler(wish),
    httpRoute(wish),
    serviceMonitor(wish),
  ];
  return all.filter((each) => each !== undefined).toSorted((a, b) => rank(a.type) - rank(b.type));
}

function rank(type: ResourceType): number {
  return CHILD_TYPES.findIndex((each) => typeName(each) === typeName(type));
}
