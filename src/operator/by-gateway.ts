import { type KubeObject, keyOf } from '../kube/kube-object.ts';
import type { ResourceType } from '../kube/resource-type.ts';
import { typeName } from '../kube/resource-type.ts';
import { GATEWAY_LABEL } from './names.ts';

export interface Labelled {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** Objects of several types by the gateway that their label names. */
export class ByGateway {
  readonly #groups = new Map<string, Map<string, Labelled>>();

  /** @returns the key of the gateway, `NAMESPACE/NAME` */
  put(type: ResourceType, object: KubeObject): string | undefined {
    const key = gatewayKeyOf(object);
    if (key === undefined) return undefined;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Map();
      this.#groups.set(key, group);
    }
    group.set(entryKey(type, object.metadata), { type, object });
    return key;
  }

  remove(type: ResourceType, object: KubeObject): string | undefined {
    const key = gatewayKeyOf(object);
    const group = key === undefined ? undefined : this.#groups.get(key);
    if (key === undefined || group === undefined) return key;
    group.delete(entryKey(type, object.metadata));
    if (group.size === 0) this.#groups.delete(key);
    return key;
  }

  all(gateway: string): readonly Labelled[] {
    return [...(this.#groups.get(gateway)?.values() ?? [])];
  }
}

function gatewayKeyOf({ metadata }: KubeObject): string | undefined {
  const name = metadata.labels?.[GATEWAY_LABEL];
  return name === undefined ? undefined : keyOf({ ...metadata, name });
}

function entryKey(type: ResourceType, metadata: KubeObject['metadata']): string {
  return `${typeName(type)} ${keyOf(metadata)}`;
}
