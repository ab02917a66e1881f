import type { EventGatewaySpec } from '../config/event-gateway.ts';
import type { Clock } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { type KubeObject, keyOf } from '../kube/kube-object.ts';
import { apiVersionOf, typeName } from '../kube/resource-type.ts';
import { type ChildOutcome, ChildWriter } from './child-writer.ts';
import type { ClusterView } from './cluster-view.ts';
import type { EventRecorder } from './event-recorder.ts';
import { type GatewayFacts, gatewayFindings, SHORT_MS_MAX } from './gateway-conditions.ts';
import { judgeTogether } from './judge.ts';
import { DEPLOYMENTS, EVENT_GATEWAYS } from './kinds.ts';
import { COMPONENTS, type Component, childName, FIELD_MANAGER } from './names.ts';
import type { PodPoll } from './pod-poll.ts';
import { type Child, childKey, type Wish } from './resources/child.ts';
import { children, SCALED_BY_ANNOTATION, type ScaledBy } from './resources/children.ts';
import type { StatusWriter } from './status-writer.ts';
import { type WorkloadFacts, workloadFacts } from './workload-facts.ts';

/** Numbers of streams are told about so often. */
const AGAIN_MS = 30_000;
/** Keeps the number of replicas when it is not ours any more, until an autoscaler sets another. */
const HANDOVER_MANAGER = `${FIELD_MANAGER}-handover`;

export interface GatewayReconcilerParts {
  readonly client: KubeClient;
  readonly view: ClusterView;
  readonly poll: PodPoll;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** Of gateway and ingest pods. */
  readonly image: string;
  readonly gatewayEnv: Readonly<Record<string, string>>;
  readonly operatorNamespace: string;
}

interface Outcomes {
  readonly foreign: string[];
  readonly refused: string[];
  readonly missingTypes: string[];
  failure: unknown;
}

/** Brings an EventGateway's children to where its spec wants them, and says in its status how far they are. */
export class GatewayReconciler {
  readonly #parts: GatewayReconcilerParts;
  readonly #writer: ChildWriter;

  constructor(parts: GatewayReconcilerParts) {
    this.#parts = parts;
    this.#writer = new ChildWriter(parts.client);
  }

  /** @throws KubeError; CodedError, not retryable, for a spec that only its author can mend */
  async reconcile(key: string, signal: AbortSignal): Promise<{ readonly againAfterMs: number } | undefined> {
    const { view, clock, status } = this.#parts;
    const gateway = view.gateways.get(key);
    if (gateway === undefined) {
      this.#writer.forget(key);
      status.forget(EVENT_GATEWAYS, key);
      return undefined;
    }
    if (gateway.metadata.deletionTimestamp !== undefined) return undefined;
    const judged = view.judgeGateway(gateway);
    const outcomes: Outcomes = { foreign: [], refused: [], missingTypes: [], failure: undefined };
    if (judged.ok) await this.#own(gateway, judged.spec, outcomes, signal);
    const facts = this.#facts(gateway, judged.ok ? [] : judged.faults, outcomes);
    await status.write(EVENT_GATEWAYS, gateway, gatewayFindings(facts, clock.now()), {
      ...(facts.workloads.gateway && { gateway: replicasOf(facts.workloads.gateway) }),
      ...(facts.workloads.ingest && { ingest: replicasOf(facts.workloads.ingest) }),
      connections: this.#connections(key),
    });
    if (outcomes.failure !== undefined) throw outcomes.failure;
    if (!judged.ok) throw new InvalidError(gateway);
    return { againAfterMs: Math.min(AGAIN_MS, ...shortEndsMs(facts, clock.now())) };
  }

  async #own(
    gateway: KubeObject,
    spec: EventGatewaySpec,
    outcomes: Outcomes,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, view } = this.#parts;
    const wish = this.#wish(gateway, spec);
    const known = view.childrenOf(keyOf(gateway.metadata));
    const byKey = new Map(known.map((each) => [childKey(each), each]));
    const scaledBy = await this.#scaledBy(wish, byKey.get(deploymentKey(wish))?.object, client, signal);
    const wanted = children(wish, scaledBy);
    for (const child of wanted) {
      signal.throwIfAborted();
      if (view.has(child.type) !== true) {
        // A ServiceMonitor is a courtesy, an HTTPRoute was asked for.
        const isAskedFor = child.type.kind === 'HTTPRoute' && view.has(child.type) === false;
        if (isAskedFor) outcomes.missingTypes.push(`${child.type.kind} (${apiVersionOf(child.type)})`);
        continue;
      }
      const outcome = await this.#writer.put(child, byKey.get(childKey(child))?.object, wish, signal);
      await this.#tell(gateway, child, outcome, outcomes);
    }
    const keep = new Set(wanted.map(childKey));
    for (const each of known.filter((child) => !keep.has(childKey(child)))) {
      const outcome = await this.#writer.prune(each, wish, signal);
      await this.#tell(gateway, each, outcome, outcomes);
    }
  }

  /** An autoscaler gets the number of replicas as it is: given up by us alone, it would fall to 1. */
  async #scaledBy(
    wish: Wish,
    existing: KubeObject | undefined,
    client: Pick<KubeClient, 'apply'>,
    signal: AbortSignal,
  ): Promise<ScaledBy> {
    if (wish.spec.gateway.autoscaling === undefined || existing === undefined) return 'operator';
    if (existing.metadata.annotations?.[SCALED_BY_ANNOTATION] === 'autoscaler') return 'autoscaler';
    const { apiVersion, kind, metadata } = existing;
    const { name, namespace, uid } = metadata;
    const { desired: replicas } = workloadFacts(existing);
    await client.apply(
      DEPLOYMENTS,
      { apiVersion, kind, metadata: { name, ...(namespace && { namespace }), uid }, spec: { replicas } },
      { fieldManager: HANDOVER_MANAGER, force: true, signal },
    );
    return 'autoscaler';
  }

  #wish(gateway: KubeObject, spec: EventGatewaySpec): Wish {
    const { view, gatewayEnv, image, operatorNamespace } = this.#parts;
    const { name, namespace = '', uid } = gateway.metadata;
    const guards = [...view.guardsOf(gateway)].flatMap(([guardName, guard]) => {
      const judged = guard === undefined ? undefined : view.judgeGuard(guard);
      return judged?.ok === true ? [[guardName, judged.spec] as const] : [];
    });
    return { name, namespace, uid, spec, guards: new Map(guards), image, gatewayEnv, operatorNamespace };
  }

  async #tell(
    gateway: KubeObject,
    { type, object }: Child,
    outcome: ChildOutcome,
    outcomes: Outcomes,
  ): Promise<void> {
    const what = `${type.kind} ${object.metadata.name}`;
    const say = (reason: string, action: string, note: string) =>
      this.#parts.events.record(gateway, { type: 'Normal', reason, action, note });
    switch (outcome.kind) {
      case 'same':
      case 'created':
      case 'changed':
        return;
      case 'repaired':
        return say('ChildRepaired', 'Apply', `${what} had been changed and is as it should be again.`);
      case 'pruned':
        return say('ChildPruned', 'Delete', `${what} is not wanted any more.`);
      case 'foreign':
        outcomes.foreign.push(what);
        return;
      case 'refused':
        outcomes.refused.push(`${what}: ${outcome.why}`);
        return;
      case 'failed':
        outcomes.failure ??= outcome.error;
    }
  }

  #facts(gateway: KubeObject, faults: readonly string[], outcomes: Outcomes): GatewayFacts {
    const { view } = this.#parts;
    const { name, namespace = '' } = gateway.metadata;
    const guards = [...view.guardsOf(gateway)];
    const present = guards.flatMap(([, guard]) => guard ?? []);
    const pods = view.podsOf(keyOf(gateway.metadata));
    return {
      name,
      namespace,
      faults,
      crossFaults: judgeTogether(gateway, present),
      missingGuards: guards.flatMap(([guard, object]) => (object === undefined ? [guard] : [])),
      faultyGuards: present
        .filter((guard) => !view.judgeGuard(guard).ok)
        .map(({ metadata }) => metadata.name),
      ...outcomes,
      workloads: this.#workloads(gateway),
      trouble: pods.flatMap(({ name: pod, trouble }) =>
        trouble === undefined ? [] : [`${pod}: ${trouble}`],
      ),
    };
  }

  #workloads(gateway: KubeObject): Partial<Record<Component, WorkloadFacts>> {
    const deployments = this.#parts.view
      .childrenOf(keyOf(gateway.metadata))
      .filter(({ type }) => type === DEPLOYMENTS);
    return Object.fromEntries(
      COMPONENTS.flatMap((component) => {
        const name = childName(gateway.metadata.name, component);
        const found = deployments.find(({ object }) => object.metadata.name === name);
        return found === undefined ? [] : [[component, workloadFacts(found.object)]];
      }),
    );
  }

  #connections(key: string): number {
    const { poll, view } = this.#parts;
    const pods = view.podsOf(key).filter(({ component, started }) => component === 'gateway' && started);
    return pods.reduce((sum, pod) => sum + poll.report(pod).connections, 0);
  }
}

/** What its status says, for the log and the metric. */
class InvalidError extends CodedError<'invalid'> {
  constructor({ kind, metadata }: KubeObject) {
    super('invalid', `${kind} ${keyOf(metadata)} has a fault: see its condition Accepted`);
  }
}

function deploymentKey({ name, namespace }: Wish): string {
  return `${typeName(DEPLOYMENTS)} ${keyOf({ name: childName(name, 'gateway'), namespace })}`;
}

function replicasOf({ desired, ready, updated }: WorkloadFacts) {
  return { replicas: desired, readyReplicas: ready, updatedReplicas: updated };
}

/** When pods that are missing will have been missing for too long. */
function shortEndsMs({ workloads }: GatewayFacts, now: number): readonly number[] {
  return Object.values(workloads)
    .map(({ shortSince = Number.NaN }) => shortSince + SHORT_MS_MAX - now)
    .filter((leftMs) => leftMs > 0);
}
