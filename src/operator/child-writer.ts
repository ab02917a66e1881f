import { CodedError } from '../core/coded-error.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { isKubeError } from '../kube/kube-error.ts';
import { type KubeDraft, type KubeObject, keyOf } from '../kube/kube-object.ts';
import type { Labelled } from './by-gateway.ts';
import { APPLIED_ANNOTATION, marked, saidFingerprint, says } from './drift.ts';
import { FIELD_MANAGER } from './names.ts';
import { ownershipOf } from './ownership.ts';
import { type Child, childKey } from './resources/child.ts';
import { restore } from './restore.ts';

/** What has become of one child. */
export type ChildOutcome =
  | { readonly kind: 'same' | 'created' | 'changed' | 'repaired' | 'pruned' }
  /** Somebody else's object has its name. */
  | { readonly kind: 'foreign' }
  /** The API server does not take it, whatever is tried. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly error: unknown };

interface Owner {
  readonly name: string;
  readonly uid: string;
}

/** Brings children to where they should be, and touches nothing that is not its gateway's. */
export class ChildWriter {
  readonly #client: Pick<KubeClient, 'get' | 'apply' | 'patch' | 'delete'>;
  /** By the gateway's name and `childKey`: how the API server writes what was applied last. */
  readonly #written = new Map<string, Map<string, string>>();

  constructor(client: Pick<KubeClient, 'get' | 'apply' | 'patch' | 'delete'>) {
    this.#client = client;
  }

  /** @param known the object as far as it has our labels */
  async put(
    child: Child,
    known: KubeObject | undefined,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<ChildOutcome> {
    try {
      return await this.#put(child, known, owner, signal);
    } catch (error) {
      return failure(error);
    }
  }

  /** The gateway, `NAMESPACE/NAME`, is gone. */
  forget(gateway: string): void {
    this.#written.delete(gateway);
  }

  async prune({ type, object }: Labelled, owner: Owner, signal: AbortSignal): Promise<ChildOutcome> {
    if (ownershipOf(object, owner) !== 'ours' || object.metadata.deletionTimestamp !== undefined) {
      return { kind: 'same' };
    }
    const { uid } = object.metadata;
    try {
      await this.#client.delete(type, object.metadata, { uid, signal });
      this.#writtenFor(object, owner).delete(childKey({ type, object }));
      return { kind: 'pruned' };
    } catch (error) {
      return isKubeError(error, 'not_found') ? { kind: 'same' } : failure(error);
    }
  }

  async #put(
    child: Child,
    known: KubeObject | undefined,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<ChildOutcome> {
    const draft = marked(child.object);
    // What has no label of ours is not among what is watched, and may be there all the same.
    const existing = known ?? (await this.#look(child, signal));
    if (existing === undefined) {
      // Nothing is taken by force from whoever was faster.
      await this.#apply(child, draft, false, owner, signal);
      return { kind: 'created' };
    }
    switch (ownershipOf(existing, owner)) {
      case 'foreign':
        return { kind: 'foreign' };
      case 'former':
        return {
          kind: 'failed',
          error: new ChildError(
            `${childKey(child)} is of a deleted EventGateway of this name and about to go`,
          ),
        };
      case 'ours':
    }
    const isSameDraft = markOf(existing) === markOf(draft);
    if (isSameDraft && this.#isAsApplied(child, existing, draft, owner)) return { kind: 'same' };
    const { uid } = existing.metadata;
    const ours = { ...draft, metadata: { ...draft.metadata, uid } };
    let applied: KubeObject;
    try {
      applied = await this.#apply(child, ours, true, owner, signal);
    } catch (error) {
      // An entry that somebody has put into one of our lists is theirs, and may be at odds with ours.
      if (!isSameDraft || !isKubeError(error, 'invalid')) throw error;
      await restore(this.#client, child.type, ours, signal);
      applied = await this.#apply(child, ours, true, owner, signal);
    }
    // By the version: what was merely written in another way has not changed.
    if (applied.metadata.resourceVersion === existing.metadata.resourceVersion) return { kind: 'same' };
    return { kind: isSameDraft ? 'repaired' : 'changed' };
  }

  #isAsApplied(child: Child, existing: KubeObject, draft: KubeDraft, owner: Owner): boolean {
    return (
      says(existing, draft) ||
      this.#writtenFor(child.object, owner).get(childKey(child)) === saidFingerprint(existing, draft)
    );
  }

  async #look({ type, object }: Child, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#client.get(type, object.metadata, { signal });
    } catch (error) {
      if (isKubeError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #apply(
    child: Child,
    draft: KubeDraft,
    force: boolean,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const options = { fieldManager: FIELD_MANAGER, force, signal };
    const applied = await this.#client.apply(child.type, draft, options);
    const { uid: _, ...metadata } = draft.metadata;
    const written = this.#writtenFor(child.object, owner);
    written.set(childKey(child), saidFingerprint(applied, { ...draft, metadata }));
    return applied;
  }

  #writtenFor({ metadata }: KubeDraft, { name }: Owner): Map<string, string> {
    const gateway = keyOf({ ...metadata, name });
    const known = this.#written.get(gateway);
    if (known !== undefined) return known;
    const written = new Map<string, string>();
    this.#written.set(gateway, written);
    return written;
  }
}

/** A moment later it may be otherwise. */
class ChildError extends CodedError<'former'> {
  constructor(message: string) {
    super('former', message, { retryable: true });
  }
}

function markOf({ metadata }: KubeDraft): unknown {
  const annotations: unknown = metadata['annotations'];
  return typeof annotations === 'object' && annotations !== null
    ? Object.getOwnPropertyDescriptor(annotations, APPLIED_ANNOTATION)?.value
    : undefined;
}

function failure(error: unknown): ChildOutcome {
  if (isKubeError(error) && !error.retryable) return { kind: 'refused', why: error.message };
  return { kind: 'failed', error };
}
