import { type KubeObject, keyOf } from './kube-object.ts';

/** Is told of every difference once, in order. Must not throw, and must not take long. */
export interface ObjectListener {
  /** It is new (`before` is absent) or has another `resourceVersion` than the one that was told last. */
  changed(object: KubeObject, before: KubeObject | undefined): void;
  /** It is not there any more; this is what was told last. Also when another one has taken its name. */
  deleted(object: KubeObject): void;
}

/** What is known of the objects of a selection, and what is new about them. */
export class ObjectCache {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listener: ObjectListener;

  constructor(listener: ObjectListener) {
    this.#listener = listener;
  }

  /** By `keyOf`. */
  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects;
  }

  put(object: KubeObject): void {
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    const { uid, resourceVersion } = object.metadata;
    if (before?.metadata.uid === uid && before.metadata.resourceVersion === resourceVersion) return;
    if (before !== undefined && before.metadata.uid !== uid) {
      this.remove(before);
      return this.put(object);
    }
    const kept = withoutManagedFields(object);
    this.#objects.set(key, kept);
    this.#listener.changed(kept, before);
  }

  remove({ metadata }: KubeObject): void {
    const key = keyOf(metadata);
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#listener.deleted(before);
  }

  /** These are all there are. */
  replace(objects: readonly KubeObject[]): void {
    const present = new Set(objects.map(({ metadata }) => keyOf(metadata)));
    for (const [key, object] of [...this.#objects]) if (!present.has(key)) this.remove(object);
    for (const object of objects) this.put(object);
  }
}

/** Often most of an object, and nobody here asks who wrote which field. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
