import { type Clock, sleep } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { jitter, type Random } from '../core/random.ts';
import type { Service } from '../core/service.ts';
import type { KubeReader } from './kube-client.ts';
import { isKubeError, KubeError } from './kube-error.ts';
import type { KubeObject } from './kube-object.ts';
import { ObjectCache, type ObjectListener } from './object-cache.ts';
import type { ReflectorObserver } from './observer.ts';
import { type ReflectorFault, reflectorFault, retryDelayMs } from './reflector-fault.ts';
import { type ResourceType, type Selection, typeName } from './resource-type.ts';
import type { WatchEvent } from './watch-event.ts';

/** Fewer where they are so large that a page is refused. */
const PAGE_OBJECTS_MAX = 250;
/** After this the API server ends a watch and it is begun anew, not by all pods at once. */
const WATCH_SECONDS = 300;
const WATCH_JITTER = 0.2;
/** A watch that ends sooner without a word is taken for a failure: it is not to be begun again in a loop. */
const WATCH_MS_MIN = 1_000;
/** What has been forgotten is to be expected now and then. */
const LEVELS: Readonly<Record<string, 'info' | 'error'>> = { gone: 'info', internal: 'error' };

export interface ReflectorParts {
  readonly reader: KubeReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: ReflectorObserver;
  /** Not every cluster has the type: its absence is worth no warning. */
  readonly optional?: boolean;
}

/** For people and probes. What is known stays in use in every state. */
export type ReflectorState =
  | { readonly kind: 'idle' | 'listing' | 'watching' | 'stopped' }
  /** `not_found`: the type is not installed. `forbidden`: no Role allows it, or not yet. Tried again by itself. */
  | ({ readonly kind: 'failing'; readonly sinceMs: number } & ReflectorFault);

/**
 * Follows the objects of a selection: lists them, watches from there, and begins again whatever happens, for good. The
 * listener is told every difference between what it knows and what is, once. Only what the API server says is gone is
 * deleted: a type that is not installed, a right that is missing or a server that is away changes nothing.
 *
 * A broken watch goes on where it was. One that can not be opened is followed by a list: the version may have been
 * forgotten, or be ahead of a server that was restored from a backup, which would then be silent.
 */
export class Reflector implements Service {
  readonly #type: ResourceType;
  readonly #selection: Selection;
  readonly #parts: ReflectorParts;
  readonly #cache: ObjectCache;
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  #state: ReflectorState = { kind: 'idle' };
  #isSynced = false;
  /** Where the watch goes on; absent: by a list. */
  #version: string | undefined;
  #pageObjects = PAGE_OBJECTS_MAX;
  /** In a row. */
  #failures = 0;
  #heardAtMs: number | undefined;
  #following: Promise<void> | undefined;

  constructor(type: ResourceType, selection: Selection, listener: ObjectListener, parts: ReflectorParts) {
    this.#type = type;
    this.#selection = selection;
    this.#parts = parts;
    this.#cache = new ObjectCache(listener);
  }

  get type(): ResourceType {
    return this.#type;
  }

  /** What has been told to the listener, by `keyOf`. */
  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#cache.objects;
  }

  /** Resolves when all that was there has been told, and on `stop`. Never rejects. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** `sinceMs` is monotonic time. */
  get state(): ReflectorState {
    return this.#state;
  }

  /**
   * For how long nothing has been heard of these objects, not even that nothing has changed (about once a minute);
   * absent before the first list.
   */
  get watchAgeSeconds(): number | undefined {
    if (this.#heardAtMs === undefined) return undefined;
    return (this.#parts.clock.monotonicMs() - this.#heardAtMs) / 1000;
  }

  /** Returns at once; see `synced`. */
  async start(): Promise<void> {
    this.#following ??= this.#follow();
  }

  /** When it has returned, nothing more is told. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#state = { kind: 'stopped' };
    this.#synced.resolve();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (!signal.aborted) await this.#failed(error);
      }
    }
  }

  async #list(): Promise<void> {
    const { reader, observer } = this.#parts;
    const { signal } = this.#stop;
    if (this.#state.kind !== 'failing') this.#state = { kind: 'listing' };
    const objects: KubeObject[] = [];
    let next: string | undefined;
    let version: string;
    do {
      const page = await reader.list(this.#type, this.#selection, {
        objectsMax: this.#pageObjects,
        signal,
        ...(next === undefined ? {} : { next }),
      });
      objects.push(...page.objects);
      version = page.resourceVersion;
      next = page.next;
    } while (next !== undefined);
    signal.throwIfAborted();
    this.#cache.replace(objects);
    this.#version = version;
    this.#heard();
    observer.listed(typeName(this.#type), objects.length);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #watch(): Promise<void> {
    const { clock } = this.#parts;
    const events = await this.#open();
    const openedAtMs = clock.monotonicMs();
    this.#recovered();
    let isHealthy = false;
    try {
      for await (const event of events) {
        if (this.#stop.signal.aborted) return;
        this.#take(event);
        this.#heard();
        isHealthy = true;
      }
    } finally {
      isHealthy ||= clock.monotonicMs() - openedAtMs >= WATCH_MS_MIN;
      if (isHealthy) this.#failures = 0;
    }
    if (!isHealthy) throw new KubeError('unavailable', 'the watch ended as soon as it had begun');
  }

  async #open(): Promise<AsyncIterable<WatchEvent>> {
    const { reader, random } = this.#parts;
    const from = {
      resourceVersion: this.#version ?? '',
      seconds: jitter(WATCH_SECONDS, WATCH_JITTER, random),
    };
    try {
      return await reader.watch(this.#type, this.#selection, from, this.#stop.signal);
    } catch (error) {
      // An overloaded server is not to be asked for more than a watch.
      if (!isKubeError(error, 'too_many')) this.#version = undefined;
      throw error;
    }
  }

  #take(event: WatchEvent): void {
    if (event.kind === 'bookmark') {
      this.#version = event.resourceVersion;
      return;
    }
    this.#version = event.object.metadata.resourceVersion;
    if (event.kind === 'deleted') this.#cache.remove(event.object);
    else this.#cache.put(event.object);
  }

  #heard(): void {
    this.#heardAtMs = this.#parts.clock.monotonicMs();
  }

  #recovered(): void {
    if (this.#state.kind === 'failing') this.#parts.log.info('following again', this.#named());
    this.#state = { kind: 'watching' };
  }

  /** Told once for each cause, not at every attempt. */
  async #failed(error: unknown): Promise<void> {
    const { clock, random, log, observer, optional } = this.#parts;
    const fault = reflectorFault(error);
    const before = this.#state;
    this.#failures += 1;
    if (fault.code === 'gone') this.#version = undefined;
    if (fault.code === 'too_large') this.#pageObjects = Math.max(1, Math.floor(this.#pageObjects / 2));
    observer.failed(typeName(this.#type), fault.code);
    if (before.kind !== 'failing' || before.code !== fault.code) {
      const level = optional && fault.code === 'not_found' ? 'info' : (LEVELS[fault.code] ?? 'warn');
      log[level]('following fails', { ...this.#named(), ...fault });
    }
    const sinceMs = before.kind === 'failing' ? before.sinceMs : clock.monotonicMs();
    this.#state = { kind: 'failing', sinceMs, ...fault };
    await this.#pause(retryDelayMs(error, this.#failures, random));
  }

  async #pause(delayMs: number): Promise<void> {
    const { signal } = this.#stop;
    await sleep(this.#parts.clock, delayMs, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #named() {
    return { type: typeName(this.#type), ...this.#selection };
  }
}
