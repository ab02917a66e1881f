import type { JsonObject, KubeDraft, KubeObject } from './kube-object.ts';
import type { ObjectRef, ResourceType, Selection } from './resource-type.ts';
import type { WatchEvent } from './watch-event.ts';

/**
 * What we ask of an API server. Every call ends: with its result, a KubeError, or the reason of its signal; each has a
 * time limit of its own besides. Nothing is repeated by itself, but for a request that the server can not have seen.
 * What is written counts when the call has returned; where it fails as `unreachable`, it may have been written as well.
 */
export interface KubeClient extends KubeReader {
  get(type: ResourceType, ref: ObjectRef, options?: CallOptions): Promise<KubeObject>;
  /** Server-side apply: the fields in `draft` become ours, those that we had and do not name any more go. */
  apply(type: ResourceType, draft: KubeDraft, options: ApplyOptions): Promise<KubeObject>;
  /** The same for the status, and nothing but the status. */
  applyStatus(type: ResourceType, draft: KubeDraft, options: ApplyOptions): Promise<KubeObject>;
  /** @throws KubeError `already_exists` */
  create(type: ResourceType, draft: KubeDraft, options?: WriteOptions): Promise<KubeObject>;
  /** @throws KubeError `conflict` when the object has another `resourceVersion` by now */
  update(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** JSON merge patch (RFC 7396). */
  patch(type: ResourceType, ref: ObjectRef, patch: JsonObject, options?: PatchOptions): Promise<KubeObject>;
  /** Its dependents go afterwards. @throws KubeError `not_found`; `conflict` when it is not the one meant */
  delete(type: ResourceType, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
}

/** What following a type takes. */
export interface KubeReader {
  /** One page, of what is there now: never of an older state than any that has been seen. */
  list(type: ResourceType, selection: Selection, page: PageOptions): Promise<ListPage>;
  /**
   * Resolves when the API server has accepted. Then every change after `from.resourceVersion`, in order, none left out,
   * until the time asked for is over (the iterator ends), something fails (it throws a KubeError) or `signal` is
   * aborted (it throws its reason).
   */
  watch(
    type: ResourceType,
    selection: Selection,
    from: WatchStart,
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent>>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** Who owns the fields that are written. */
  readonly fieldManager?: string;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Takes fields from other managers; otherwise they are a `conflict`. */
  readonly force?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: string;
}

export interface DeleteOptions extends CallOptions {
  /** Only the object that has these. */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface PageOptions extends CallOptions {
  readonly objectsMax: number;
  /** From the page before. */
  readonly next?: string;
}

export interface ListPage {
  readonly objects: readonly KubeObject[];
  /** Of the whole list, from where a watch goes on. */
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly next?: string;
}

export interface WatchStart {
  readonly resourceVersion: string;
  /** When the API server is to end it; it should differ from watch to watch. */
  readonly seconds: number;
}
