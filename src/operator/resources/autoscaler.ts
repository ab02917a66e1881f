import type { V2HorizontalPodAutoscalerSpec } from '@kubernetes/client-node';
import { apiVersionOf } from '../../kube/resource-type.ts';
import { AUTOSCALERS, DEPLOYMENTS } from '../kinds.ts';
import { childName } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';

/** Streams that move are the price of every pod that goes: few at a time, and not for a lull of minutes. */
const SCALE_DOWN_WAIT_SECONDS = 300;
const SCALE_DOWN_PERCENT = 10;

/** On CPU always, on open streams when asked for: the larger number counts. */
export function autoscaler(wish: Wish): Child | undefined {
  const { autoscaling } = wish.spec.gateway;
  if (autoscaling === undefined) return undefined;
  const { minReplicas, maxReplicas, connections, cpuPercent } = autoscaling;
  const name = childName(wish.name, 'gateway');
  const spec: V2HorizontalPodAutoscalerSpec = {
    scaleTargetRef: { apiVersion: apiVersionOf(DEPLOYMENTS), kind: DEPLOYMENTS.kind, name },
    minReplicas,
    maxReplicas,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpuPercent } },
      },
      ...(connections === undefined
        ? []
        : [
            {
              type: 'Pods',
              pods: {
                metric: { name: 'tidegate_connections' },
                target: { type: 'AverageValue', averageValue: String(connections) },
              },
            },
          ]),
    ],
    behavior: {
      scaleDown: {
        stabilizationWindowSeconds: SCALE_DOWN_WAIT_SECONDS,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 1, periodSeconds: 60 },
          { type: 'Percent', value: SCALE_DOWN_PERCENT, periodSeconds: 60 },
        ],
      },
    },
  };
  const labels = { 'app.kubernetes.io/component': 'gateway' };
  return child(wish, AUTOSCALERS, { name, labels }, { spec });
}
