import type { V1PodDisruptionBudgetSpec } from '@kubernetes/client-node';
import { DISRUPTION_BUDGETS } from '../kinds.ts';
import { type Component, childName, selectorLabels } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';

/** One pod at a time, so that a drained node moves each stream once. A pod that serves nobody may always go. */
export function disruptionBudget(wish: Wish, component: Component): Child {
  const spec: V1PodDisruptionBudgetSpec = {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: { ...selectorLabels(wish.name, component) } },
  };
  const labels = { 'app.kubernetes.io/component': component };
  return child(wish, DISRUPTION_BUDGETS, { name: childName(wish.name, component), labels }, { spec });
}
