import type {
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import { NETWORK_POLICIES } from '../kinds.ts';
import {
  type Component,
  childName,
  MONITORING_LABEL,
  PRODUCER_LABEL,
  REVOKER_LABEL,
  selectorLabels,
} from '../names.ts';
import { type Child, child, type Wish } from './child.ts';
import { ADMIN_PORT, gatewayWorkload, ingestWorkload, publicPort, REVOCATIONS_PORT } from './workload.ts';

const NAMESPACE_NAME = 'kubernetes.io/metadata.name';
const ADMIN = { protocol: 'TCP', port: ADMIN_PORT };

/** Whoever comes to the public port shows a token; that is its guard. Who may revoke says so of its pods, in any namespace. */
export function gatewayNetworkPolicy(wish: Wish): Child {
  const port = { protocol: 'TCP', port: publicPort(wish).containerPort };
  const revokers = {
    _from: labelled(REVOKER_LABEL),
    ports: [{ protocol: 'TCP', port: REVOCATIONS_PORT }],
  };
  const open = wish.spec.revocations === undefined ? [] : [revokers];
  return networkPolicy(wish, gatewayWorkload(wish).component, [{ ports: [port] }, ...open]);
}

/** Producers are the pods that say so, in any namespace. Policies add up: another one may let in more. */
export function ingestNetworkPolicy(wish: Wish): Child {
  const { component, ports } = ingestWorkload(wish);
  const open = ports.filter(({ name }) => name !== 'admin');
  return networkPolicy(wish, component, [
    {
      _from: labelled(PRODUCER_LABEL),
      ports: open.map(({ containerPort }) => ({ protocol: 'TCP', port: containerPort })),
    },
  ]);
}

function labelled(label: string): V1NetworkPolicyPeer[] {
  return [{ namespaceSelector: {}, podSelector: { matchLabels: { [label]: 'true' } } }];
}

/** What goes out (DNS, Redis, key sets, the API server) is the cluster's to limit, since only it knows where that is. */
function networkPolicy(wish: Wish, component: Component, open: readonly V1NetworkPolicyIngressRule[]): Child {
  const spec = {
    podSelector: { matchLabels: { ...selectorLabels(wish.name, component) } },
    policyTypes: ['Ingress'],
    ingress: [...open, { _from: adminPeers(wish), ports: [ADMIN] }].map(asWritten),
  } satisfies Omit<V1NetworkPolicySpec, 'ingress'> & { ingress: unknown };
  const labels = { 'app.kubernetes.io/component': component };
  return child(wish, NETWORK_POLICIES, { name: childName(wish.name, component), labels }, { spec });
}

function adminPeers({ operatorNamespace }: Wish): V1NetworkPolicyPeer[] {
  return [
    {
      namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: operatorNamespace } },
      podSelector: {
        matchLabels: { 'app.kubernetes.io/name': 'tidegate', 'app.kubernetes.io/component': 'operator' },
      },
    },
    { namespaceSelector: { matchLabels: { [MONITORING_LABEL]: 'true' } } },
  ];
}

/** The types call the field `_from`; the API does not. */
function asWritten({ _from: from, ...rule }: V1NetworkPolicyIngressRule) {
  return { ...(from === undefined ? {} : { from }), ...rule };
}
