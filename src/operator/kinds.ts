import type { ResourceType } from '../kube/resource-type.ts';

const type = (group: string, version: string, kind: string, plural: string): ResourceType => ({
  group,
  version,
  plural,
  kind,
});

export const EVENT_GATEWAYS = type('tidegate.dev', 'v1alpha1', 'EventGateway', 'eventgateways');
export const JWT_GUARDS = type('tidegate.dev', 'v1alpha1', 'JwtGuard', 'jwtguards');

export const PODS = type('', 'v1', 'Pod', 'pods');
export const CONFIG_MAPS = type('', 'v1', 'ConfigMap', 'configmaps');
export const EVENTS = type('events.k8s.io', 'v1', 'Event', 'events');

export const SERVICE_ACCOUNTS = type('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const ROLES = type('rbac.authorization.k8s.io', 'v1', 'Role', 'roles');
export const ROLE_BINDINGS = type('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings');
export const NETWORK_POLICIES = type('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies');
export const SERVICES = type('', 'v1', 'Service', 'services');
export const DEPLOYMENTS = type('apps', 'v1', 'Deployment', 'deployments');
export const DISRUPTION_BUDGETS = type('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const AUTOSCALERS = type('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers');
export const HTTP_ROUTES = type('gateway.networking.k8s.io', 'v1', 'HTTPRoute', 'httproutes');
export const SERVICE_MONITORS = type('monitoring.coreos.com', 'v1', 'ServiceMonitor', 'servicemonitors');

/** What an EventGateway may own, in the order in which it is applied: rights before the pods that need them. */
export const CHILD_TYPES: readonly ResourceType[] = [
  SERVICE_ACCOUNTS,
  ROLES,
  ROLE_BINDINGS,
  NETWORK_POLICIES,
  SERVICES,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  AUTOSCALERS,
  HTTP_ROUTES,
  SERVICE_MONITORS,
];

/** Not every cluster has these. */
export const OPTIONAL_TYPES: ReadonlySet<ResourceType> = new Set([HTTP_ROUTES, SERVICE_MONITORS]);
