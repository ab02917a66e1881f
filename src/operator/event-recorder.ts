import { randomBytes } from 'node:crypto';
import type { Condition } from '../config/status.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { KubeObject } from '../kube/kube-object.ts';
import { apiVersionOf } from '../kube/resource-type.ts';
import { turned } from './condition.ts';
import { EVENTS } from './kinds.ts';
import { FIELD_MANAGER } from './names.ts';

const NOTE_CHARACTERS_MAX = 1_024;
/** The same is not said again for so long, so that a fight over a field fills no log. */
const AGAIN_MS = 300_000;
const REMEMBERED_MAX = 4_096;

export interface Notice {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What was done, in CamelCase. */
  readonly action: string;
  readonly note: string;
}

/** Tells people what has changed, where they look for it: `kubectl describe`, `kubectl events`. */
export class EventRecorder {
  readonly #client: Pick<KubeClient, 'create'>;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #saidAtMs = new Map<string, number>();

  /** @param instance which operator it was */
  constructor(client: Pick<KubeClient, 'create'>, instance: string, clock: Clock, log: Log) {
    this.#client = client;
    this.#instance = instance;
    this.#clock = clock;
    this.#log = log;
  }

  /** What a person would want to hear of the change from one set of conditions to the next. */
  async turned(object: KubeObject, now: readonly Condition[], before: readonly Condition[]): Promise<void> {
    for (const condition of turned(now, before)) {
      const known = before.find(({ type }) => type === condition.type);
      const isBad = isWarning(condition);
      // At first everything is on its way, and not yet so.
      if (known === undefined && !(isBad && EARLY.has(condition.type))) continue;
      if (known?.status === condition.status && !isBad) continue;
      await this.record(object, {
        type: isBad ? 'Warning' : 'Normal',
        reason: condition.reason,
        action: `${condition.type}${condition.status}`,
        note: condition.message,
      });
    }
  }

  /** Never rejects: what happened has happened, whether or not it could be told. */
  async record(object: KubeObject, { type, reason, action, note }: Notice): Promise<void> {
    const { name, namespace = 'default', uid } = object.metadata;
    if (!this.#isNew(`${uid} ${reason} ${note}`)) return;
    const eventTime = new Date(this.#clock.now()).toISOString().replace('Z', '000Z');
    const { apiVersion, kind } = object;
    try {
      await this.#client.create(EVENTS, {
        apiVersion: apiVersionOf(EVENTS),
        kind: EVENTS.kind,
        metadata: { name: `${name.slice(0, 230)}.${randomBytes(8).toString('hex')}`, namespace },
        eventTime,
        reportingController: `tidegate.dev/${FIELD_MANAGER}`,
        reportingInstance: this.#instance.slice(0, 128),
        action,
        reason,
        type,
        note: note.slice(0, NOTE_CHARACTERS_MAX),
        regarding: { apiVersion, kind, name, namespace, uid },
      });
    } catch (error) {
      this.#log.warn('an Event could not be written', { kind, name, namespace, reason, error });
    }
  }

  #isNew(key: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const saidAtMs = this.#saidAtMs.get(key);
    if (saidAtMs !== undefined && nowMs - saidAtMs < AGAIN_MS) return false;
    this.#saidAtMs.delete(key);
    this.#saidAtMs.set(key, nowMs);
    const [oldest] = this.#saidAtMs.keys();
    if (this.#saidAtMs.size > REMEMBERED_MAX && oldest !== undefined) this.#saidAtMs.delete(oldest);
    return true;
  }
}

/** What can be wrong from the start. */
const EARLY: ReadonlySet<string> = new Set(['Accepted', 'Degraded']);

function isWarning({ type, status }: Condition): boolean {
  switch (type) {
    case 'Degraded':
      return status === 'True';
    case 'Accepted':
    case 'Ready':
    case 'KeysReady':
      return status === 'False';
    default:
      return false;
  }
}
