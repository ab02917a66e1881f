import { KubeError } from './kube-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;
export type Labels = Readonly<Record<string, string>>;

/** An object as the API server has it. Whatever is not named here is passed on as it came. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMetadata;
  readonly [field: string]: unknown;
}

export interface KubeMetadata {
  readonly name: string;
  readonly namespace?: string;
  /** An object that is deleted and made again under the same name is another one. */
  readonly uid: string;
  /** Another one after each write; only ever compared for equality. */
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly deletionTimestamp?: string;
  readonly [field: string]: unknown;
}

/** An object to be written. */
export interface KubeDraft {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What tells two objects of one type apart. */
export function keyOf({ name, namespace }: { readonly name: string; readonly namespace?: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * @param named given to items of a list, which do not repeat what the list says of all
 * @throws KubeError `malformed`
 */
export function parseObject(value: unknown, named?: { apiVersion: string; kind: string }): KubeObject {
  const whole: unknown = isJsonObject(value) && named !== undefined ? { ...named, ...value } : value;
  if (!isKubeObject(whole)) throw new KubeError('malformed', 'the API server sent what is not an object');
  return whole;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKubeObject(value: unknown): value is KubeObject {
  return (
    isJsonObject(value) &&
    isText(value['apiVersion']) &&
    isText(value['kind']) &&
    isMetadata(value['metadata'])
  );
}

function isMetadata(value: unknown): value is KubeMetadata {
  return (
    isJsonObject(value) &&
    ['name', 'uid', 'resourceVersion'].every((field) => isText(value[field])) &&
    ['namespace', 'deletionTimestamp'].every((field) => value[field] === undefined || isText(value[field])) &&
    (value['generation'] === undefined || Number.isSafeInteger(value['generation'])) &&
    ['labels', 'annotations'].every((field) => value[field] === undefined || isLabels(value[field]))
  );
}

function isLabels(value: unknown): value is Labels {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
