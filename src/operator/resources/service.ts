import type { V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import { SERVICES } from '../kinds.ts';
import { type Component, childName, GATEWAY_LABEL, selectorLabels } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';
import { ADMIN_PORT, publicPort, REVOCATIONS_PORT } from './workload.ts';

/** Where browsers, or the proxy in front, go. */
export function gatewayService(wish: Wish): Child {
  const { name, servicePort } = publicPort(wish);
  return service(wish, 'gateway', [
    { name, port: servicePort, targetPort: name, protocol: 'TCP', appProtocol: name },
  ]);
}

/** Where producers go. */
export function ingestService(wish: Wish): Child {
  const isTls = wish.spec.ingest.tls !== undefined;
  return service(wish, 'ingest', [
    { name: 'ingest', port: 7001, targetPort: 'ingest', protocol: 'TCP' },
    {
      name: 'publish',
      port: 7002,
      targetPort: 'publish',
      protocol: 'TCP',
      appProtocol: isTls ? 'https' : 'http',
    },
  ]);
}

/**
 * Where tokens are revoked; any pod will do. A Service of its own, since the public one may be exposed. `undefined` when
 * the port is not wanted.
 */
export function revocationsService(wish: Wish): Child | undefined {
  const { revocations } = wish.spec;
  if (revocations === undefined) return undefined;
  const spec: V1ServiceSpec = {
    type: 'ClusterIP',
    selector: { ...selectorLabels(wish.name, 'gateway') },
    ports: [
      {
        name: 'revocations',
        port: REVOCATIONS_PORT,
        targetPort: 'revocations',
        protocol: 'TCP',
        appProtocol: revocations.tls === undefined ? 'http' : 'https',
      },
    ],
  };
  const labels = { 'app.kubernetes.io/component': 'revocations' };
  return child(wish, SERVICES, { name: childName(wish.name, 'revocations'), labels }, { spec });
}

/** Headless: every pod by its own address, ready or not. A Service of its own, since the public one may be exposed. */
export function adminService(wish: Wish): Child {
  const spec: V1ServiceSpec = {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: { [GATEWAY_LABEL]: wish.name },
    ports: [{ name: 'admin', port: ADMIN_PORT, targetPort: 'admin', protocol: 'TCP' }],
  };
  const labels = { 'app.kubernetes.io/component': 'admin' };
  return child(wish, SERVICES, { name: childName(wish.name, 'admin'), labels }, { spec });
}

function service(wish: Wish, component: Component, ports: V1ServicePort[]): Child {
  const spec: V1ServiceSpec = {
    type: 'ClusterIP',
    selector: { ...selectorLabels(wish.name, component) },
    ports,
  };
  const labels = { 'app.kubernetes.io/component': component };
  return child(wish, SERVICES, { name: childName(wish.name, component), labels }, { spec });
}
