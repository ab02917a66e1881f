import { isDeepStrictEqual } from 'node:util';
import * as status from '../config/status.ts';
import type { EpochMs } from '../core/brand.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { isJsonObject, type JsonObject, type KubeObject, keyOf } from '../kube/kube-object.ts';
import { type ResourceType, typeName } from '../kube/resource-type.ts';
import { conditionsOf, type Finding } from './condition.ts';
import type { EventRecorder } from './event-recorder.ts';
import { FIELD_MANAGER } from './names.ts';

interface Written {
  /** Of the object as it was known when the status was written. */
  readonly seenVersion: string;
  readonly status: JsonObject;
}

/** Writes statuses, each only when it says something else than before. */
export class StatusWriter {
  readonly #client: Pick<KubeClient, 'applyStatus'>;
  readonly #events: EventRecorder;
  readonly #now: () => EpochMs;
  /** By kind and name: what a watch may not have told yet. */
  readonly #written = new Map<string, Written>();

  constructor(client: Pick<KubeClient, 'applyStatus'>, events: EventRecorder, now: () => EpochMs) {
    this.#client = client;
    this.#events = events;
    this.#now = now;
  }

  /** @throws KubeError */
  async write(
    type: ResourceType,
    object: KubeObject,
    findings: readonly Finding[],
    rest: JsonObject,
  ): Promise<void> {
    const { generation = 0, name, namespace, resourceVersion, uid } = object.metadata;
    const before = this.#before(type, object);
    const conditionsBefore = conditionsIn(before);
    const conditions = conditionsOf(findings, conditionsBefore, generation, this.#now());
    const next = { observedGeneration: generation, conditions, ...rest };
    if (isDeepStrictEqual(next, before)) return;
    const { apiVersion, kind } = object;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid };
    const draft = { apiVersion, kind, metadata, status: next };
    await this.#client.applyStatus(type, draft, { fieldManager: FIELD_MANAGER, force: true });
    this.#written.set(entryKey(type, keyOf(object.metadata)), { seenVersion: resourceVersion, status: next });
    await this.#events.turned(object, conditions, conditionsBefore);
  }

  /** The object, `NAMESPACE/NAME`, is gone. */
  forget(type: ResourceType, key: string): void {
    this.#written.delete(entryKey(type, key));
  }

  #before(type: ResourceType, object: KubeObject): JsonObject {
    const written = this.#written.get(entryKey(type, keyOf(object.metadata)));
    if (written?.seenVersion === object.metadata.resourceVersion) return written.status;
    return isJsonObject(object['status']) ? object['status'] : {};
  }
}

/** Those that we understand; others are written anew. */
function conditionsIn({ conditions }: JsonObject): readonly status.Condition[] {
  const all: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  return all.flatMap((each) => {
    const found = status.condition.safeParse(each);
    return found.success ? [found.data] : [];
  });
}

function entryKey(type: ResourceType, key: string): string {
  return `${typeName(type)} ${key}`;
}
