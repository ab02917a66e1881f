import type { ListPage } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { isJsonObject, parseObject } from './kube-object.ts';
import { apiVersionOf, type ResourceType } from './resource-type.ts';

/** @throws KubeError `malformed` */
export function parseListPage(value: unknown, type: ResourceType): ListPage {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  if (!isJsonObject(value) || !isJsonObject(metadata)) throw malformed();
  // Go writes an empty list as null where it was never made.
  const items: unknown = value['items'] ?? [];
  const { resourceVersion, continue: next } = metadata;
  if (!Array.isArray(items) || typeof resourceVersion !== 'string' || resourceVersion === '')
    throw malformed();
  const named = { apiVersion: apiVersionOf(type), kind: type.kind };
  return {
    objects: items.map((object: unknown) => parseObject(object, named)),
    resourceVersion,
    ...(typeof next === 'string' && next !== '' ? { next } : {}),
  };
}

function malformed(): KubeError {
  return new KubeError('malformed', 'the API server sent what is not a list');
}
