import { isJsonObject, type JsonObject, type KubeObject } from '../kube/kube-object.ts';
import { COMPONENTS, type Component, GATEWAY_LABEL } from './names.ts';
import { CONTAINER } from './resources/deployment.ts';

/** A pod of a gateway's Deployments, as far as it matters here. */
export interface GatewayPod {
  readonly name: string;
  readonly uid: string;
  readonly gateway: string;
  readonly component: Component;
  readonly ip: string | undefined;
  /** Its program has come up, so it may hold streams, also while it is about to end. */
  readonly started: boolean;
  /** Counts the programs that ran in it before. */
  readonly restarts: number;
  /** Why it does not come up, such as `ImagePullBackOff`. */
  readonly trouble: string | undefined;
}

/** @returns `undefined` when the labels are not a gateway pod's */
export function gatewayPod({ metadata, ...pod }: KubeObject): GatewayPod | undefined {
  const gateway = metadata.labels?.[GATEWAY_LABEL];
  const component = COMPONENTS.find((each) => each === metadata.labels?.['app.kubernetes.io/component']);
  if (gateway === undefined || component === undefined) return undefined;
  const status = isJsonObject(pod['status']) ? pod['status'] : {};
  const container = containerOf(status);
  const { podIP, phase } = status;
  const { restartCount, started } = container;
  return {
    name: metadata.name,
    uid: metadata.uid,
    gateway,
    component,
    ip: typeof podIP === 'string' && podIP !== '' ? podIP : undefined,
    started: phase === 'Running' && started === true,
    restarts: typeof restartCount === 'number' ? restartCount : 0,
    trouble: troubleOf(container, status),
  };
}

function containerOf({ containerStatuses }: JsonObject): JsonObject {
  const all: readonly unknown[] = Array.isArray(containerStatuses) ? containerStatuses : [];
  return all.filter(isJsonObject).find(({ name }) => name === CONTAINER) ?? {};
}

/** Waiting is normal for a moment; these reasons are not. */
const USUAL = new Set(['ContainerCreating', 'PodInitializing']);

function troubleOf({ state }: JsonObject, { conditions }: JsonObject): string | undefined {
  const waiting =
    isJsonObject(state) && isJsonObject(state['waiting']) ? state['waiting']['reason'] : undefined;
  if (typeof waiting === 'string' && !USUAL.has(waiting)) return waiting;
  const all: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  const scheduled = all.filter(isJsonObject).find(({ type }) => type === 'PodScheduled');
  if (scheduled?.['status'] === 'False') return String(scheduled['reason'] ?? 'Unschedulable');
  return waiting === undefined ? undefined : `${waiting}: does it wait for a Secret?`;
}
