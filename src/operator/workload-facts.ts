import { isJsonObject, type JsonObject, type KubeObject } from '../kube/kube-object.ts';

/** How far a Deployment is. */
export interface WorkloadFacts {
  readonly name: string;
  /** How many pods there should be. */
  readonly desired: number;
  readonly ready: number;
  /** Of the current template. */
  readonly updated: number;
  /** Of any template. */
  readonly total: number;
  /** Whether these numbers are about what was written last. */
  readonly observed: boolean;
  /** The rollout has brought nothing for longer than its deadline. */
  readonly stalled: boolean;
  /** Since when fewer pods are available than there should be, by the wall clock; absent: enough are. */
  readonly shortSince: number | undefined;
}

export function workloadFacts(deployment: KubeObject): WorkloadFacts {
  const spec = part(deployment, 'spec');
  const status = part(deployment, 'status');
  const conditions: readonly unknown[] = Array.isArray(status['conditions']) ? status['conditions'] : [];
  const find = (type: string) => conditions.filter(isJsonObject).find((each) => each['type'] === type);
  const available = find('Available');
  const since = available?.['status'] === 'False' ? Date.parse(String(available['lastTransitionTime'])) : NaN;
  return {
    name: deployment.metadata.name,
    desired: count(spec, 'replicas', 1),
    ready: count(status, 'readyReplicas'),
    updated: count(status, 'updatedReplicas'),
    total: count(status, 'replicas'),
    observed: count(status, 'observedGeneration') >= (deployment.metadata.generation ?? 0),
    stalled: find('Progressing')?.['reason'] === 'ProgressDeadlineExceeded',
    shortSince: Number.isNaN(since) ? undefined : since,
  };
}

function part(object: KubeObject, field: string): JsonObject {
  const value = object[field];
  return isJsonObject(value) ? value : {};
}

function count(holder: JsonObject, field: string, absent = 0): number {
  const value = holder[field];
  return typeof value === 'number' ? value : absent;
}
