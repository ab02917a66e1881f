import { isJsonObject, type KubeObject } from '../kube/kube-object.ts';
import { EVENT_GATEWAYS } from './kinds.ts';

/**
 * Whose an object is, by its controller's UID alone: labels and names can be anybody's.
 *
 * `former`: an EventGateway of this name that has been deleted; the garbage collector takes the object soon.
 */
export type Ownership = 'ours' | 'former' | 'foreign';

export function ownershipOf(
  object: KubeObject,
  gateway: { readonly name: string; readonly uid: string },
): Ownership {
  const references: unknown = object.metadata['ownerReferences'];
  const owner: unknown = Array.isArray(references)
    ? references.find((each: unknown) => isJsonObject(each) && each['controller'] === true)
    : undefined;
  if (!isJsonObject(owner)) return 'foreign';
  if (owner['uid'] === gateway.uid) return 'ours';
  return owner['kind'] === EVENT_GATEWAYS.kind && owner['name'] === gateway.name ? 'former' : 'foreign';
}
