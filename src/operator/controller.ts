import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { type KubeObject, keyOf } from '../kube/kube-object.ts';
import type { ReflectorObserver, WorkQueueObserver } from '../kube/observer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { AskPod } from './ask-pod.ts';
import { ClusterView, type ViewListener } from './cluster-view.ts';
import { EventRecorder } from './event-recorder.ts';
import { GatewayReconciler } from './gateway-reconciler.ts';
import { enforcing } from './guard-conditions.ts';
import { GuardReconciler } from './guard-reconciler.ts';
import type { OperatorObserver } from './observer.ts';
import { PodPoll } from './pod-poll.ts';
import { StatusWriter } from './status-writer.ts';
import { type OperatorTracer, type Reconciled, tracedWork } from './tracer.ts';

const WORKERS_MAX = 8;
const GATEWAY = 'EventGateway ';
const GUARD = 'JwtGuard ';

export interface ControllerParts {
  readonly client: KubeClient;
  readonly ask: AskPod;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: OperatorObserver & ReflectorObserver & WorkQueueObserver;
  /** Absent: nothing is traced. */
  readonly tracer?: OperatorTracer | undefined;
}

export interface ControllerSettings {
  /** Of gateway and ingest pods. */
  readonly image: string;
  /** The only one that is looked after; absent: all. */
  readonly watchNamespace: string | undefined;
  readonly operatorNamespace: string;
  /** Environment of the gateway pods. */
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  /** Which operator it is, in Events. */
  readonly identity: string;
}

/** What works while this process leads, and not otherwise. */
interface Reign {
  readonly queue: WorkQueue;
  readonly poll: PodPoll;
}

/**
 * Turns what changes in the cluster into keys to be reconciled. The view is kept by every operator, so that one that
 * comes to lead knows all at once; only the leader writes.
 */
export class Controller {
  readonly view: ClusterView;
  readonly #settings: ControllerSettings;
  readonly #parts: ControllerParts;
  #reign: Reign | undefined;

  constructor(settings: ControllerSettings, parts: ControllerParts) {
    const { client: reader, clock, random, log, observer } = parts;
    this.#settings = settings;
    this.#parts = parts;
    this.view = new ClusterView(settings.watchNamespace, this.#listener(), {
      reader,
      clock,
      random,
      log,
      observer,
    });
  }

  /** Works until the signal is aborted, and resolves when nothing is under way any more. */
  async lead(signal: AbortSignal): Promise<void> {
    const ended = whenAborted(signal);
    await Promise.race([this.view.synced, ended]);
    if (signal.aborted) return;
    const { log, observer } = this.#parts;
    const reign = this.#begin();
    this.#reign = reign;
    observer.leading(true);
    for (const key of this.view.gateways.keys()) {
      reign.queue.add(GATEWAY + key);
      reign.poll.follow(key);
    }
    for (const key of this.view.guards.keys()) reign.queue.add(GUARD + key);
    await reign.queue.start();
    log.info('reconciling', { gateways: this.view.gateways.size, guards: this.view.guards.size });
    await ended;
    this.#reign = undefined;
    observer.leading(false);
    await Promise.all([reign.queue.stop(), reign.poll.stop()]);
  }

  #begin(): Reign {
    const { ask, client, clock, log, observer, random, tracer } = this.#parts;
    const { gatewayEnv = {}, image, operatorNamespace, identity } = this.#settings;
    const { view } = this;
    const events = new EventRecorder(client, identity, clock, log);
    const status = new StatusWriter(client, events, () => clock.now());
    const poll: PodPoll = new PodPoll({
      ask,
      clock,
      random,
      podsOf: (gateway) => this.#streamPods(gateway),
      isWaiting: (gateway) => this.#guardsOf(gateway).some((guard) => isBehind(guards, guard)),
      onChange: (gateway) => this.#podsChanged(gateway),
    });
    const guards = new GuardReconciler({ client, view, poll, status });
    const gateways = new GatewayReconciler({
      ...{ client, view, poll, status, events, clock },
      ...{ image, gatewayEnv, operatorNamespace },
    });
    const queue = new WorkQueue(
      tracedWork(tracer, objectOf, (key, signal) =>
        key.startsWith(GATEWAY)
          ? gateways.reconcile(key.slice(GATEWAY.length), signal)
          : guards.reconcile(key.slice(GUARD.length), signal),
      ),
      { name: 'reconcile', workersMax: WORKERS_MAX },
      { clock, random, log, observer },
    );
    return { queue, poll };
  }

  #listener(): ViewListener {
    return {
      gateway: (key, now, before) => {
        this.#add(GATEWAY + key);
        if (isSameSpec(now, before)) return;
        if (now === undefined) this.#reign?.poll.forget(key);
        else this.#reign?.poll.follow(key);
        for (const each of [now, before]) this.#addGuardsOf(each);
      },
      guard: (key, now, before) => {
        this.#add(GUARD + key);
        const guard = now ?? before;
        if (guard === undefined || isSameSpec(now, before)) return;
        for (const gateway of this.view.gatewaysNaming(guard)) {
          this.#add(GATEWAY + gateway);
          this.#reign?.poll.follow(gateway);
        }
      },
      child: (gateway) => this.#add(GATEWAY + gateway),
      pod: (gateway, now, before) => {
        if (now === undefined && before !== undefined) this.#reign?.poll.forgetPod(before);
        this.#add(GATEWAY + gateway);
        if (now?.started === before?.started && now?.restarts === before?.restarts) return;
        if (this.view.gateways.has(gateway)) this.#reign?.poll.follow(gateway);
        this.#addGuardsOf(this.view.gateways.get(gateway));
      },
      type: () => {
        for (const key of this.view.gateways.keys()) this.#add(GATEWAY + key);
      },
    };
  }

  #podsChanged(gateway: string): void {
    this.#add(GATEWAY + gateway);
    this.#addGuardsOf(this.view.gateways.get(gateway));
  }

  #add(key: string): void {
    this.#reign?.queue.add(key);
  }

  #addGuardsOf(gateway: KubeObject | undefined): void {
    if (gateway === undefined) return;
    for (const guard of this.view.guardsOf(gateway).values()) {
      if (guard !== undefined) this.#add(GUARD + keyOf(guard.metadata));
    }
  }

  #guardsOf(gateway: string): readonly KubeObject[] {
    const object = this.view.gateways.get(gateway);
    return object === undefined ? [] : [...this.view.guardsOf(object).values()].flatMap((each) => each ?? []);
  }

  /** Those that hold streams. */
  #streamPods(gateway: string) {
    return this.view.podsOf(gateway).filter(({ component, started }) => component === 'gateway' && started);
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** `KIND NAMESPACE/NAME`, as keys are made here. */
function objectOf(key: string): Reconciled {
  const [kind = '', namespace = '', name = ''] = key.split(/[ /]/);
  return { kind, namespace, name };
}

/** A status that was written, by us or another operator, asks nothing of anybody's pods. */
function isSameSpec(now: KubeObject | undefined, before: KubeObject | undefined): boolean {
  return (
    now !== undefined &&
    now.metadata.uid === before?.metadata.uid &&
    now.metadata.generation === before.metadata.generation
  );
}

function isBehind(guards: GuardReconciler, guard: KubeObject): boolean {
  const facts = guards.facts(guard);
  if (facts.faults.length > 0) return false;
  const withoutKeys = facts.pods.some(({ report }) => report.guards.get(facts.name)?.keys === 0);
  return withoutKeys || enforcing(facts).length < facts.pods.length;
}
