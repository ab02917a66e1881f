import type { Labels } from '../kube/kube-object.ts';

/** Of all that the operator writes, for server-side apply. */
export const FIELD_MANAGER = 'tidegate-operator';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Which EventGateway an object belongs to. Who may touch it is decided by its owner reference, never by this. */
export const GATEWAY_LABEL = 'tidegate.dev/gateway';
/** Producers may reach the ingest ports from pods that have it as "true". */
export const PRODUCER_LABEL = 'tidegate.dev/producer';
/** Tokens may be revoked from pods that have it as "true"; issuers that send logout tokens are such pods too. */
export const REVOKER_LABEL = 'tidegate.dev/revoker';
/** Metrics may be read from namespaces that have it as "true". */
export const MONITORING_LABEL = 'tidegate.dev/monitoring';

export const COMPONENTS = ['gateway', 'ingest'] as const;
export type Component = (typeof COMPONENTS)[number];

/** Every child of any gateway; also the operator's own watches. */
export const CHILDREN_SELECTOR = `${MANAGED_BY}=${FIELD_MANAGER}`;

export function childName(gateway: string, part: Component | 'admin' | 'revocations'): string {
  return `${gateway}-${part}`;
}

/** Of every child. */
export function childLabels(gateway: string): Labels {
  return {
    'app.kubernetes.io/name': 'tidegate',
    'app.kubernetes.io/instance': gateway,
    [MANAGED_BY]: FIELD_MANAGER,
    [GATEWAY_LABEL]: gateway,
  };
}

/** A Deployment's selector can't be changed, so this is all that will ever be in it. */
export function selectorLabels(gateway: string, component: Component): Labels {
  return {
    'app.kubernetes.io/name': 'tidegate',
    'app.kubernetes.io/instance': gateway,
    'app.kubernetes.io/component': component,
  };
}
