import type { EpochMs } from '../core/brand.ts';
import type { Finding } from './condition.ts';
import { listed } from './condition.ts';
import { type Component, GATEWAY_LABEL } from './names.ts';
import type { WorkloadFacts } from './workload-facts.ts';

/** All that a gateway's conditions follow from. */
export interface GatewayFacts {
  readonly name: string;
  readonly namespace: string;
  /** Rules that the document breaks; nothing is applied while there are any. */
  readonly faults: readonly string[];
  /** Rules that it breaks together with its guards; the pods go on with what they have. */
  readonly crossFaults: readonly string[];
  /** Guards that it names and that are not there. */
  readonly missingGuards: readonly string[];
  /** Guards that it names and that have a fault. */
  readonly faultyGuards: readonly string[];
  /** Objects in the way that are not this gateway's. */
  readonly foreign: readonly string[];
  /** What the API server would not take, whatever is tried. */
  readonly refused: readonly string[];
  /** Asked for, but not in this cluster. */
  readonly missingTypes: readonly string[];
  readonly workloads: Readonly<Partial<Record<Component, WorkloadFacts>>>;
  /** What a pod that does not become ready waits for, such as `events-gateway-x: ImagePullBackOff`. */
  readonly trouble: readonly string[];
}

/** Fewer pods than there should be are a change under way for so long; then something is amiss. */
export const SHORT_MS_MAX = 60_000;

export function gatewayFindings(facts: GatewayFacts, now: EpochMs): readonly Finding[] {
  return [accepted(facts), ready(facts), progressing(facts, now), degraded(facts, now)];
}

function accepted({ faults, crossFaults, missingGuards }: GatewayFacts): Finding {
  const no = (reason: string, message: string) =>
    ({ type: 'Accepted', status: 'False', reason, message }) as const;
  if (faults.length > 0) {
    return no('Invalid', `${listed(faults)}. The last good spec stays in force: mend this one and apply it.`);
  }
  if (missingGuards.length > 0) {
    const names = listed(missingGuards.map((name) => `"${name}"`));
    return no(
      'GuardNotFound',
      `There is no JwtGuard ${names} in this namespace. Nobody gets in by it until it is created.`,
    );
  }
  if (crossFaults.length > 0) {
    return no(
      'Conflicting',
      `${listed(crossFaults)}. The last good spec stays in force: mend gateway or guard.`,
    );
  }
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The spec has no fault.' };
}

function ready({ name, namespace, workloads, trouble }: GatewayFacts): Finding {
  const { gateway, ingest } = workloads;
  const no = (reason: string, message: string) =>
    ({ type: 'Ready', status: 'False', reason, message }) as const;
  if (gateway === undefined || ingest === undefined) {
    const what = gateway === undefined ? 'gateway' : 'ingest';
    return no('NotDeployed', `There is no ${what} Deployment. See Accepted and Degraded for the reason.`);
  }
  for (const [component, { desired, ready: pods }] of entries({ gateway, ingest })) {
    if (pods > 0) continue;
    if (desired === 0) {
      return no('ScaledToZero', `spec.${component}.replicas is 0. Raise it to serve.`);
    }
    const look = `kubectl -n ${namespace} describe pods -l ${GATEWAY_LABEL}=${name},app.kubernetes.io/component=${component}`;
    const why = trouble.length === 0 ? '' : ` (${listed(trouble)})`;
    const reason = component === 'gateway' ? 'GatewayNotReady' : 'IngestNotReady';
    return no(reason, `No ${component} pod of ${desired} is ready${why}. Look at: ${look}`);
  }
  const message = `${ratio(gateway)} gateway pods and ${ratio(ingest)} ingest pods are ready.`;
  return { type: 'Ready', status: 'True', reason: 'Serving', message };
}

function progressing({ workloads }: GatewayFacts, now: EpochMs): Finding {
  for (const [component, facts] of entries(workloads)) {
    const { desired, observed, stalled, total, updated } = facts;
    if (stalled) continue;
    const message = `${updated} of ${desired} ${component} pods are as the spec wants them, ${facts.ready} pods are ready.`;
    const yes = (reason: string) => ({ type: 'Progressing', status: 'True', reason, message }) as const;
    if (!observed || updated < Math.min(total, desired) || total > Math.max(updated, desired)) {
      return yes('RollingOut');
    }
    if (updated !== desired || isShort(facts, now, false)) return yes('Scaling');
  }
  return { type: 'Progressing', status: 'False', reason: 'Settled', message: 'No change is under way.' };
}

function degraded(facts: GatewayFacts, now: EpochMs): Finding {
  const { foreign, refused, missingTypes, faultyGuards, workloads, trouble } = facts;
  const yes = (reason: string, message: string) =>
    ({ type: 'Degraded', status: 'True', reason, message }) as const;
  if (foreign.length > 0) {
    return yes(
      'ChildNotOwned',
      `${listed(foreign)} exists and is not this gateway's, so it is left alone. Delete or rename it.`,
    );
  }
  if (refused.length > 0) {
    return yes('ChildRefused', `${listed(refused)}. Change the spec, or what the cluster refuses it by.`);
  }
  if (missingTypes.length > 0) {
    return yes(
      'ApiMissing',
      `The spec asks for ${listed(missingTypes)}, which this cluster does not have. Install it; the rest follows by itself.`,
    );
  }
  for (const [component, workload] of entries(workloads)) {
    const why = trouble.length === 0 ? '' : ` (${listed(trouble)})`;
    if (workload.stalled) {
      const message = `The rollout of the ${component} pods does not get on${why}. Old pods go on serving: mend the spec or the cluster.`;
      return yes('RolloutStalled', message);
    }
    if (isShort(workload, now, true)) {
      return yes(
        'PodsNotReady',
        `${ratio(workload)} ${component} pods are ready${why}. Look at pods and nodes.`,
      );
    }
  }
  if (faultyGuards.length > 0) {
    const names = listed(faultyGuards.map((name) => `"${name}"`));
    return yes('GuardNotAccepted', `JwtGuard ${names} has a fault. See its own conditions.`);
  }
  return { type: 'Degraded', status: 'False', reason: 'AsExpected', message: 'Nothing is amiss.' };
}

function isShort({ shortSince }: WorkloadFacts, now: EpochMs, forLong: boolean): boolean {
  return shortSince !== undefined && now - shortSince >= SHORT_MS_MAX === forLong;
}

function ratio({ ready: pods, desired }: WorkloadFacts): string {
  return `${pods} of ${desired}`;
}

function entries(workloads: GatewayFacts['workloads']): readonly (readonly [Component, WorkloadFacts])[] {
  const { gateway, ingest } = workloads;
  return [
    ...(gateway === undefined ? [] : [['gateway', gateway] as const]),
    ...(ingest === undefined ? [] : [['ingest', ingest] as const]),
  ];
}
