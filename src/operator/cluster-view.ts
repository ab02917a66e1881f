import { guardNamesOf } from '../config/cluster-configuration.ts';
import type { EventGatewaySpec } from '../config/event-gateway.ts';
import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type Service, startAll, stopAll } from '../core/service.ts';
import { type KubeObject, keyOf } from '../kube/kube-object.ts';
import { Reflector, type ReflectorParts } from '../kube/reflector.ts';
import type { ResourceType } from '../kube/resource-type.ts';
import { ByGateway, type Labelled } from './by-gateway.ts';
import { type GatewayPod, gatewayPod } from './gateway-pods.ts';
import { type Judged, judgeGateway, judgeGuard } from './judge.ts';
import { CHILD_TYPES, EVENT_GATEWAYS, JWT_GUARDS, OPTIONAL_TYPES, PODS } from './kinds.ts';
import { CHILDREN_SELECTOR } from './names.ts';

/** Is told what has changed, after the view has it. Keys are `NAMESPACE/NAME`. */
export interface ViewListener {
  gateway(key: string, now: KubeObject | undefined, before: KubeObject | undefined): void;
  guard(key: string, now: KubeObject | undefined, before: KubeObject | undefined): void;
  /** Of the gateway with this key, which need not be there. */
  child(gateway: string): void;
  pod(gateway: string, now: GatewayPod | undefined, before: GatewayPod | undefined): void;
  /** It has turned out whether the cluster has a type of which that was not known. */
  type(): void;
}

/** What the operator knows of the cluster, kept up to date by watches. */
export class ClusterView implements Service {
  readonly #gateways: Reflector;
  readonly #guards: Reflector;
  readonly #pods: Reflector;
  readonly #childReflectors: ReadonlyMap<ResourceType, Reflector>;
  readonly #children = new ByGateway();
  readonly #podsByGateway = new ByGateway();
  readonly #listener: ViewListener;
  readonly #found = new Map<ResourceType, boolean>();
  readonly #gatewayVerdicts = new WeakMap<KubeObject, Judged<EventGatewaySpec>>();
  readonly #guardVerdicts = new WeakMap<KubeObject, Judged<JwtGuardSpec>>();
  readonly #named = new WeakMap<KubeObject, ReadonlySet<string>>();

  /** @param namespace absent: all of them */
  constructor(namespace: string | undefined, listener: ViewListener, parts: ReflectorParts) {
    this.#listener = listener;
    const place = namespace === undefined ? {} : { namespace };
    const children = { ...place, labelSelector: CHILDREN_SELECTOR };
    const told = (tell: 'gateway' | 'guard') => ({
      changed: (now: KubeObject, before: KubeObject | undefined) =>
        listener[tell](keyOf(now.metadata), now, before),
      deleted: (before: KubeObject) => listener[tell](keyOf(before.metadata), undefined, before),
    });
    this.#gateways = new Reflector(EVENT_GATEWAYS, place, told('gateway'), parts);
    this.#guards = new Reflector(JWT_GUARDS, place, told('guard'), parts);
    this.#pods = new Reflector(PODS, children, this.#podListener(), parts);
    const observed = (type: ResourceType) =>
      OPTIONAL_TYPES.has(type)
        ? { ...parts, observer: this.#typeObserver(type, parts.observer), optional: true }
        : parts;
    this.#childReflectors = new Map(
      CHILD_TYPES.map((type) => [
        type,
        new Reflector(type, children, this.#childListener(type), observed(type)),
      ]),
    );
  }

  /** Of all that every cluster has. */
  get synced(): Promise<void> {
    return Promise.all(this.#required.map(({ synced }) => synced)).then(() => undefined);
  }

  get isSynced(): boolean {
    return this.#required.every(({ isSynced }) => isSynced);
  }

  get reflectors(): readonly Reflector[] {
    return [this.#gateways, this.#guards, this.#pods, ...this.#childReflectors.values()];
  }

  start(): Promise<void> {
    return startAll(this.reflectors);
  }

  stop(): Promise<void> {
    return stopAll(this.reflectors);
  }

  get gateways(): ReadonlyMap<string, KubeObject> {
    return this.#gateways.objects;
  }

  get guards(): ReadonlyMap<string, KubeObject> {
    return this.#guards.objects;
  }

  childrenOf(gateway: string): readonly Labelled[] {
    return this.#children.all(gateway);
  }

  podsOf(gateway: string): readonly GatewayPod[] {
    return this.#podsByGateway.all(gateway).flatMap(({ object }) => gatewayPod(object) ?? []);
  }

  /** Whether the cluster has the type, as was found out last; `undefined` while that has never been. */
  has(type: ResourceType): boolean | undefined {
    return OPTIONAL_TYPES.has(type) ? this.#found.get(type) : true;
  }

  /** Guards that the gateway's streams name, by name: what they are, or `undefined` where there is none. */
  guardsOf(gateway: KubeObject): ReadonlyMap<string, KubeObject | undefined> {
    const { namespace } = gateway.metadata;
    const names = [...this.#namesIn(gateway)].toSorted();
    return new Map(
      names.map((name) => [name, this.guards.get(keyOf({ name, ...(namespace && { namespace }) }))]),
    );
  }

  /** Keys of the gateways that name the guard. */
  gatewaysNaming(guard: KubeObject): readonly string[] {
    const { name, namespace } = guard.metadata;
    return [...this.gateways]
      .filter(([, each]) => each.metadata.namespace === namespace && this.#namesIn(each).has(name))
      .map(([key]) => key)
      .toSorted();
  }

  judgeGateway(object: KubeObject): Judged<EventGatewaySpec> {
    return remembered(this.#gatewayVerdicts, object, judgeGateway);
  }

  judgeGuard(object: KubeObject): Judged<JwtGuardSpec> {
    return remembered(this.#guardVerdicts, object, judgeGuard);
  }

  #namesIn(gateway: KubeObject): ReadonlySet<string> {
    return remembered(this.#named, gateway, guardNamesOf);
  }

  get #required(): readonly Reflector[] {
    return this.reflectors.filter(({ type }) => !OPTIONAL_TYPES.has(type));
  }

  #childListener(type: ResourceType) {
    const tell = (gateway: string | undefined) => gateway !== undefined && this.#listener.child(gateway);
    return {
      changed: (now: KubeObject, before: KubeObject | undefined) => {
        // Whoever is told looks at once, so first all of it is in place.
        const left = before === undefined ? undefined : this.#children.remove(type, before);
        const joined = this.#children.put(type, now);
        for (const gateway of new Set([left, joined])) tell(gateway);
      },
      deleted: (before: KubeObject) => void tell(this.#children.remove(type, before)),
    };
  }

  #podListener() {
    const tell = (
      gateway: string | undefined,
      now: KubeObject | undefined,
      before: KubeObject | undefined,
    ) => {
      if (gateway === undefined) return;
      this.#listener.pod(gateway, now && gatewayPod(now), before && gatewayPod(before));
    };
    return {
      changed: (now: KubeObject, before: KubeObject | undefined) => {
        if (before !== undefined) this.#podsByGateway.remove(PODS, before);
        tell(this.#podsByGateway.put(PODS, now), now, before);
      },
      deleted: (before: KubeObject) => tell(this.#podsByGateway.remove(PODS, before), undefined, before),
    };
  }

  /** An API server that is away says nothing about its types. */
  #typeObserver(of: ResourceType, observer: ReflectorParts['observer']): ReflectorParts['observer'] {
    const found = (is: boolean) => {
      if (this.#found.get(of) === is) return;
      this.#found.set(of, is);
      this.#listener.type();
    };
    return {
      listed: (type, objects) => {
        observer.listed(type, objects);
        found(true);
      },
      failed: (type, code) => {
        observer.failed(type, code);
        if (code === 'not_found') found(false);
      },
    };
  }
}

/** A verdict holds for as long as the object is this one. */
function remembered<Result>(
  known: WeakMap<KubeObject, Result>,
  object: KubeObject,
  judge: (object: KubeObject) => Result,
): Result {
  const found = known.get(object);
  if (found !== undefined) return found;
  const result = judge(object);
  known.set(object, result);
  return result;
}
