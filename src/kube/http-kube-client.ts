import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { parseJson, readLines, readText } from './body.ts';
import { type Call, Connection } from './connection.ts';
import type { Credentials } from './credentials.ts';
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListPage,
  PageOptions,
  PatchOptions,
  WatchStart,
  WriteOptions,
} from './kube-client.ts';
import { type JsonObject, type KubeDraft, type KubeObject, parseObject } from './kube-object.ts';
import { parseListPage } from './list-page.ts';
import { refusal } from './refusal.ts';
import {
  collectionPath,
  type ObjectRef,
  objectPath,
  type ResourceType,
  type Selection,
  selectionQuery,
  typeName,
} from './resource-type.ts';
import { Timeout } from './timeout.ts';
import { parseWatchEvent, type WatchEvent } from './watch-event.ts';

export interface KubeLimits {
  /** For a whole exchange; for a watch, until the API server has accepted. */
  readonly requestMs: number;
  /** How much later than asked for a watch may end. */
  readonly watchSlackMs: number;
  /** A page of a list. */
  readonly answerBytes: number;
  /** An object in a watch: etcd takes 1.5 MiB, which may take more as JSON. */
  readonly lineBytes: number;
}

export const KUBE_LIMITS: KubeLimits = {
  requestMs: 30_000,
  watchSlackMs: 15_000,
  answerBytes: 64 * 1_048_576,
  lineBytes: 8 * 1_048_576,
};

const JSON_TYPE = 'application/json';
/** YAML by name; JSON is YAML. */
const APPLY_TYPE = 'application/apply-patch+yaml';
const MERGE_TYPE = 'application/merge-patch+json';

/** HTTP/1.1, JSON. A watch has a connection of its own. */
export class HttpKubeClient implements KubeClient {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #limits: KubeLimits;

  /** @param userAgent as the API server's audit log shows it, such as `tidegate/0.1.0 (gateway)` */
  constructor(credentials: Credentials, clock: Clock, userAgent: string, limits: KubeLimits = KUBE_LIMITS) {
    this.#connection = new Connection(credentials, userAgent);
    this.#clock = clock;
    this.#limits = limits;
  }

  get(type: ResourceType, ref: ObjectRef, options: CallOptions = {}): Promise<KubeObject> {
    const call = { method: 'GET', path: objectPath(type, ref) } as const;
    return this.#ask(`get ${typeName(type)}`, call, options, parseObject);
  }

  list(type: ResourceType, selection: Selection, page: PageOptions): Promise<ListPage> {
    const query = {
      ...selectionQuery(selection),
      limit: page.objectsMax,
      ...(page.next === undefined ? {} : { continue: page.next }),
    };
    const call = {
      method: 'GET',
      path: withQuery(collectionPath(type, selection.namespace), query),
    } as const;
    return this.#ask(`list ${typeName(type)}`, call, page, (value) => parseListPage(value, type));
  }

  async watch(
    type: ResourceType,
    selection: Selection,
    { resourceVersion, seconds }: WatchStart,
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent>> {
    const what = `watch ${typeName(type)}`;
    const query = {
      ...selectionQuery(selection),
      watch: 1,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds: Math.ceil(seconds),
    };
    const call = {
      method: 'GET',
      path: withQuery(collectionPath(type, selection.namespace), query),
    } as const;
    const { requestMs, watchSlackMs } = this.#limits;
    const timeout = new Timeout(this.#clock, requestMs, signal);
    const response = await timeout.guard(() => this.#open(what, call, timeout.signal));
    timeout.restart(seconds * 1000 + watchSlackMs);
    return this.#events(response, what, timeout);
  }

  apply(type: ResourceType, draft: KubeDraft, options: ApplyOptions): Promise<KubeObject> {
    return this.#apply(type, draft, options);
  }

  applyStatus(type: ResourceType, draft: KubeDraft, options: ApplyOptions): Promise<KubeObject> {
    return this.#apply(type, draft, options, 'status');
  }

  create(type: ResourceType, draft: KubeDraft, options: WriteOptions = {}): Promise<KubeObject> {
    const path = withQuery(collectionPath(type, draft.metadata.namespace), writeQuery(options));
    return this.#write('create', type, { method: 'POST', path, body: jsonBody(draft, JSON_TYPE) }, options);
  }

  update(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const path = withQuery(objectPath(type, object.metadata), writeQuery(options));
    return this.#write('update', type, { method: 'PUT', path, body: jsonBody(object, JSON_TYPE) }, options);
  }

  patch(
    type: ResourceType,
    ref: ObjectRef,
    patch: JsonObject,
    options: PatchOptions = {},
  ): Promise<KubeObject> {
    const path = withQuery(objectPath(type, ref, options.subresource), writeQuery(options));
    return this.#write('patch', type, { method: 'PATCH', path, body: jsonBody(patch, MERGE_TYPE) }, options);
  }

  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { uid, resourceVersion, ...rest } = options;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const wish = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', preconditions };
    const call = { method: 'DELETE', path: objectPath(type, ref), body: jsonBody(wish, JSON_TYPE) } as const;
    await this.#ask(`delete ${typeName(type)}`, call, rest, (value) => value);
  }

  /** Closes idle connections; whoever has a watch ends it by its signal. */
  close(): void {
    this.#connection.close();
  }

  #apply(type: ResourceType, draft: KubeDraft, options: ApplyOptions, subresource?: string) {
    const query = { ...writeQuery(options), force: options.force ?? false };
    const path = withQuery(objectPath(type, draft.metadata, subresource), query);
    return this.#write('apply', type, { method: 'PATCH', path, body: jsonBody(draft, APPLY_TYPE) }, options);
  }

  #write(verb: string, type: ResourceType, call: Call, options: CallOptions): Promise<KubeObject> {
    return this.#ask(`${verb} ${typeName(type)}`, call, options, parseObject);
  }

  async #ask<Result>(
    what: string,
    call: Call,
    { signal }: CallOptions,
    parse: (value: unknown) => Result,
  ): Promise<Result> {
    const timeout = new Timeout(this.#clock, this.#limits.requestMs, signal);
    try {
      return await timeout.guard(async () => {
        const response = await this.#open(what, call, timeout.signal);
        return parse(parseJson(await readText(response, this.#limits.answerBytes)));
      });
    } finally {
      timeout.cancel();
    }
  }

  /** @returns the answer when it is 2xx */
  async #open(what: string, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#connection.open(call, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const text = await readText(response, this.#limits.answerBytes);
    throw refusal(what, statusCode, jsonOrNothing(text), headers['retry-after']);
  }

  async *#events(response: IncomingMessage, what: string, timeout: Timeout): AsyncGenerator<WatchEvent> {
    try {
      const lines = readLines(response, this.#limits.lineBytes);
      for await (const line of lines) yield parseWatchEvent(line, what);
    } catch (error) {
      throw timeout.reasonFor(error);
    } finally {
      timeout.cancel();
      response.destroy();
    }
  }
}

function writeQuery({ fieldManager }: WriteOptions): Readonly<Record<string, string>> {
  return { fieldValidation: 'Strict', ...(fieldManager === undefined ? {} : { fieldManager }) };
}

function withQuery(path: string, query: Readonly<Record<string, string | number | boolean>>): string {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return `${path}?${text}`;
}

function jsonBody(value: unknown, type: string): { type: string; text: string } {
  return { type, text: JSON.stringify(value) };
}

/** A proxy in between, or an unknown path, answers in plain text. */
function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
