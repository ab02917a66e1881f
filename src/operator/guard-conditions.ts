import { type Finding, listed } from './condition.ts';
import type { PodReport } from './pod-report.ts';

/** A pod that may hold streams of the guard, and what it said last. */
export interface GuardPod {
  readonly name: string;
  readonly report: PodReport;
}

/** All that a guard's conditions follow from. */
export interface GuardFacts {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly faults: readonly string[];
  /** EventGateways of the namespace that name it. */
  readonly gateways: readonly string[];
  readonly pods: readonly GuardPod[];
  /** Why its key set can't be had, as far as that can be told without a pod. */
  readonly keysFault: string | undefined;
}

export function guardFindings(facts: GuardFacts): readonly Finding[] {
  return [accepted(facts), keysReady(facts), enforced(facts)];
}

/** Pods that judge by the current generation and have ended the streams that it does not let in. */
export function enforcing(facts: GuardFacts): readonly GuardPod[] {
  return facts.pods.filter((pod) => {
    const said = saidOf(pod, facts);
    return said !== undefined && said.generation >= facts.generation;
  });
}

/** Of this very guard: one that was deleted and made again counts from 1 anew. */
function saidOf({ report }: GuardPod, { name, uid }: GuardFacts) {
  const said = report.guards.get(name);
  return said?.uid === undefined || said.uid === uid ? said : undefined;
}

function accepted({ faults }: GuardFacts): Finding {
  if (faults.length === 0) {
    return { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The spec has no fault.' };
  }
  const message = `${listed(faults)}. Pods that run go on by the last good spec, new ones let nobody in: mend this one and apply it.`;
  return { type: 'Accepted', status: 'False', reason: 'Invalid', message };
}

function keysReady(facts: GuardFacts): Finding {
  const { pods, keysFault } = facts;
  const finding = (status: Finding['status'], reason: string, message: string): Finding => ({
    type: 'KeysReady',
    status,
    reason,
    message,
  });
  const known = pods.flatMap((pod) => {
    const said = saidOf(pod, facts);
    return said === undefined ? [] : [{ name: pod.name, ...said }];
  });
  const without = known.filter(({ keys }) => keys === 0);
  if (without.length > 0) {
    const why = listed([...new Set(without.map(({ keysError }) => keysError ?? 'none so far'))]);
    const next = keysFault === undefined ? 'Mend spec.jwks or what it points to.' : `${keysFault}.`;
    return finding(
      'False',
      'KeysMissing',
      `${without.length} of ${known.length} pods have no key and let nobody in (${why}). ${next}`,
    );
  }
  if (known.length > 0) {
    const failing = known.flatMap(({ keysError }) => (keysError === undefined ? [] : [keysError]));
    const stale =
      failing.length === 0
        ? ''
        : ` The last fetch failed (${listed([...new Set(failing)])}), so the last good keys stay.`;
    return finding(
      'True',
      'KeysLoaded',
      `${known.length} of ${pods.length} pods have keys of this guard.${stale}`,
    );
  }
  if (keysFault !== undefined) return finding('False', 'KeysMissing', `${keysFault}.`);
  return finding('Unknown', 'NoPods', 'No pod has said yet whether it has the keys.');
}

function enforced(facts: GuardFacts): Finding {
  const { faults, gateways, generation, pods } = facts;
  const finding = (status: Finding['status'], reason: string, message: string): Finding => ({
    type: 'Enforced',
    status,
    reason,
    message,
  });
  if (gateways.length === 0) {
    return finding(
      'Unknown',
      'NotReferenced',
      'No EventGateway of this namespace names it. Name it in spec.streams[].guardRefs.',
    );
  }
  if (faults.length > 0) {
    return finding('False', 'NotAccepted', `Generation ${generation} has a fault and is not in force.`);
  }
  if (pods.length === 0) {
    return finding('Unknown', 'NoPods', `No pod of ${listed(gateways)} runs yet.`);
  }
  const there = enforcing(facts);
  const message = `${there.length} of ${pods.length} pods enforce generation ${generation}`;
  if (there.length === pods.length) return finding('True', 'Enforced', `${message}.`);
  const behind = pods
    .filter((pod) => !there.includes(pod))
    .map(({ name, report }) => (report.fault === undefined ? name : `${name} (${report.fault})`));
  const unreachable = pods.some((pod) => !there.includes(pod) && pod.report.fault !== undefined);
  const next = unreachable
    ? ' Port 7190 of each must be open to the operator.'
    : ' They are asked again and again.';
  return finding(
    'False',
    unreachable ? 'PodsUnreachable' : 'Pending',
    `${message}; not ${listed(behind)}.${next}`,
  );
}
