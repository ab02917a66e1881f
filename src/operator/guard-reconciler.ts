import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { isKubeError } from '../kube/kube-error.ts';
import { isJsonObject, type KubeObject } from '../kube/kube-object.ts';
import type { ClusterView } from './cluster-view.ts';
import { enforcing, type GuardFacts, guardFindings } from './guard-conditions.ts';
import { CONFIG_MAPS, JWT_GUARDS } from './kinds.ts';
import type { PodPoll } from './pod-poll.ts';
import type { StatusWriter } from './status-writer.ts';

/** A ConfigMap that is missing is looked for so often; it is watched by the pods only. */
const LOOK_AGAIN_MS = 10_000;

export interface GuardReconcilerParts {
  readonly client: Pick<KubeClient, 'get'>;
  readonly view: ClusterView;
  readonly poll: PodPoll;
  readonly status: StatusWriter;
}

/** Says in a JwtGuard's status what its pods have made of it. */
export class GuardReconciler {
  readonly #parts: GuardReconcilerParts;

  constructor(parts: GuardReconcilerParts) {
    this.#parts = parts;
  }

  /** @throws KubeError */
  async reconcile(key: string, signal: AbortSignal): Promise<{ readonly againAfterMs: number } | undefined> {
    const { status, view } = this.#parts;
    const guard = view.guards.get(key);
    if (guard === undefined) status.forget(JWT_GUARDS, key);
    if (guard === undefined || guard.metadata.deletionTimestamp !== undefined) return undefined;
    const without = this.facts(guard);
    const keysFault = await this.#keysFault(guard, without, signal);
    const facts = { ...without, keysFault };
    await status.write(JWT_GUARDS, guard, guardFindings(facts), {
      pods: { total: facts.pods.length, enforcing: enforcing(facts).length },
    });
    return keysFault === undefined ? undefined : { againAfterMs: LOOK_AGAIN_MS };
  }

  facts(guard: KubeObject): GuardFacts {
    const { poll, view } = this.#parts;
    const { generation = 0, name, uid } = guard.metadata;
    const gateways = view.gatewaysNaming(guard);
    const judged = view.judgeGuard(guard);
    const pods = gateways
      .flatMap((gateway) => view.podsOf(gateway))
      .filter(({ component, started }) => component === 'gateway' && started)
      .map((pod) => ({ name: pod.name, report: poll.report(pod) }));
    return {
      name,
      uid,
      generation,
      faults: judged.ok ? [] : judged.faults,
      gateways: gateways.map((gateway) => gateway.split('/').at(-1) ?? gateway),
      pods,
      keysFault: undefined,
    };
  }

  /** Pods know best; without one that has keys, the ConfigMap itself is looked at. */
  async #keysFault(guard: KubeObject, facts: GuardFacts, signal: AbortSignal): Promise<string | undefined> {
    if (facts.pods.some(({ report }) => (report.guards.get(facts.name)?.keys ?? 0) > 0)) return undefined;
    const judged = this.#parts.view.judgeGuard(guard);
    return judged.ok ? await this.#refFault(guard, judged.spec, signal) : undefined;
  }

  async #refFault(
    { metadata }: KubeObject,
    { jwks }: JwtGuardSpec,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const ref = jwks.configMapKeyRef ?? jwks.caConfigMapKeyRef;
    if (ref === undefined) return undefined;
    const { name, key } = ref;
    const { namespace } = metadata;
    try {
      const place = { name, ...(namespace && { namespace }) };
      const configMap = await this.#parts.client.get(CONFIG_MAPS, place, { signal });
      if (isJsonObject(configMap['data']) && Object.hasOwn(configMap['data'], key)) return undefined;
      return `ConfigMap "${name}" has no key "${key}": add it`;
    } catch (error) {
      if (!isKubeError(error, 'not_found')) throw error;
      return `There is no ConfigMap "${name}" in this namespace: create it with the key "${key}"`;
    }
  }
}
