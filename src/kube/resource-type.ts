/** A type of objects as its URLs name it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export interface ObjectRef {
  readonly name: string;
  /** Absent for what belongs to no namespace. */
  readonly namespace?: string;
}

/** Which objects of a type a list or a watch is about. */
export interface Selection {
  /** Absent: all namespaces, or none has any. */
  readonly namespace?: string;
  /** The one object of this name. A Role may be limited to it; there the selector is what the right depends on. */
  readonly name?: string;
  readonly labelSelector?: string;
}

/** `jwtguards.tidegate.dev`, as in a Role and in messages of the API server. */
export function typeName({ plural, group }: ResourceType): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

export function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const place = namespace === undefined ? '' : `/namespaces/${segment(namespace)}`;
  return `${root}${place}/${segment(type.plural)}`;
}

export function objectPath(type: ResourceType, { name, namespace }: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(type, namespace)}/${segment(name)}`;
  return subresource === undefined ? path : `${path}/${segment(subresource)}`;
}

export function selectionQuery({ name, labelSelector }: Selection): Readonly<Record<string, string>> {
  return {
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
}

/** Names have been validated before; one that would lead to another path is a programmer's error. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') throw new TypeError(`"${text}" is no name of an object`);
  return encodeURIComponent(text);
}
