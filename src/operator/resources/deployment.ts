import type {
  V1Container,
  V1DeploymentSpec,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Volume,
} from '@kubernetes/client-node';
import type { KeyRef } from '../../config/reference.ts';
import { DEPLOYMENTS } from '../kinds.ts';
import { childLabels, childName, selectorLabels } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';
import { ADMIN_PORT, PROBES, resources, restartHash, type Workload } from './workload.ts';

const SECRETS_DIR = '/etc/tidegate/secrets';
/** Where the program shows the ConfigMaps that it watches; the one place that it writes to. */
const SCRATCH_DIR = '/tmp';
const SCRATCH_SIZE = '16Mi';
/** Added to the time that a drain takes, for streams whose peers are slow to take their end. */
const GRACE_SECONDS = 15;
/** Of the image; by number, so that a kubelet can tell that it is not root. */
const USER = 65_532;
/** A rollout that brings nothing up for so long is told as degraded. */
const PROGRESS_DEADLINE_SECONDS = 300;
const REVISIONS_MAX = 5;
export const RESTART_ANNOTATION = 'tidegate.dev/restart';
export const CONTAINER = 'tidegate';

/**
 * @param replicas absent: an autoscaler's business
 * @param annotations of the Deployment itself
 */
export function deployment(
  wish: Wish,
  workload: Workload,
  replicas: number | undefined,
  annotations: Readonly<Record<string, string>>,
): Child {
  const { component } = workload;
  const spec: V1DeploymentSpec = {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { ...selectorLabels(wish.name, component) } },
    // A pod goes only when another serves: its streams move once.
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
    revisionHistoryLimit: REVISIONS_MAX,
    progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
    template: podTemplate(wish, workload),
  };
  const name = childName(wish.name, component);
  const labels = { 'app.kubernetes.io/component': component };
  return child(wish, DEPLOYMENTS, { name, labels, annotations }, { spec });
}

function podTemplate(wish: Wish, workload: Workload): V1PodTemplateSpec {
  const { labels, annotations } = workload.spec.podTemplate ?? {};
  return {
    metadata: {
      labels: { ...labels, ...childLabels(wish.name), ...selectorLabels(wish.name, workload.component) },
      annotations: { ...annotations, [RESTART_ANNOTATION]: restartHash(workload) },
    },
    spec: podSpec(wish, workload),
  };
}

function podSpec(wish: Wish, workload: Workload): V1PodSpec {
  const { lameDuck, window } = wish.spec.drain;
  const name = childName(wish.name, workload.component);
  return {
    serviceAccountName: name,
    // The ServiceAccount says no to all but those who ask, and this pod watches its configuration.
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: Math.ceil((lameDuck + window) / 1000) + GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...placement(workload),
    topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((key) => ({
      maxSkew: 1,
      topologyKey: key,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { ...selectorLabels(wish.name, workload.component) } },
      // Otherwise the old pods of a rollout would say where the new ones go.
      matchLabelKeys: ['pod-template-hash'],
    })),
    containers: [container(wish, workload)],
    volumes: [secretsVolume(workload.secrets), scratchVolume],
  };
}

function placement({ spec }: Workload): Partial<V1PodSpec> {
  const { nodeSelector, tolerations, priorityClassName, imagePullSecrets } = spec.podTemplate ?? {};
  return {
    ...(nodeSelector && { nodeSelector: { ...nodeSelector } }),
    ...(tolerations && { tolerations: tolerations.map((each) => ({ ...each })) }),
    ...(priorityClassName && { priorityClassName }),
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map((each) => ({ ...each })) }),
  };
}

function container(wish: Wish, workload: Workload): V1Container {
  return {
    name: CONTAINER,
    image: wish.image,
    args: [
      workload.component,
      `--name=${wish.name}`,
      `--namespace=${wish.namespace}`,
      `--secrets-dir=${SECRETS_DIR}`,
      `--listen-admin=[$(POD_IP)]:${ADMIN_PORT}`,
    ],
    env: [
      { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
      ...Object.entries(workload.env).map(([name, value]) => ({ name, value })),
    ],
    ports: [...workload.ports],
    resources: resources(workload),
    ...PROBES,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'secrets', mountPath: SECRETS_DIR, readOnly: true },
      { name: 'scratch', mountPath: SCRATCH_DIR },
    ],
  };
}

/**
 * One volume with `NAME/KEY` of each: only the keys that are named. All of them change at once, and a pod whose Secret
 * is not there waits for it.
 */
function secretsVolume(refs: readonly KeyRef[]): V1Volume {
  const names = [...new Set(refs.map(({ name }) => name))];
  const sources = names.map((name) => ({
    secret: {
      name,
      optional: false,
      items: refs
        .filter((ref) => ref.name === name)
        .map(({ key }) => ({ key, path: `${name}/${key}`, mode: 0o440 })),
    },
  }));
  return { name: 'secrets', projected: { defaultMode: 0o440, sources } };
}

const scratchVolume: V1Volume = { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: SCRATCH_SIZE } };
