import type { EventGatewaySpec } from '../../config/event-gateway.ts';
import type { JwtGuardSpec } from '../../config/jwt-guard.ts';
import { type JsonObject, type KubeDraft, keyOf } from '../../kube/kube-object.ts';
import { apiVersionOf, type ResourceType, typeName } from '../../kube/resource-type.ts';
import { EVENT_GATEWAYS } from '../kinds.ts';
import { childLabels } from '../names.ts';

/** Everything that the children of a gateway follow from. */
export interface Wish {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly spec: EventGatewaySpec;
  /** The guards that the streams name, as far as they are there and have no fault. */
  readonly guards: ReadonlyMap<string, JwtGuardSpec>;
  /** Of gateway and ingest pods. */
  readonly image: string;
  /** Of gateway pods, beside what every pod has. */
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  /** Where the operator runs; it asks the pods what they enforce. */
  readonly operatorNamespace: string;
}

/** An object that a gateway owns, as it is to be applied. */
export interface Child {
  readonly type: ResourceType;
  readonly object: KubeDraft;
}

interface ChildMetadata {
  readonly name: string;
  readonly labels?: JsonObject;
  readonly annotations?: JsonObject;
}

/** @param fields all but `apiVersion`, `kind` and `metadata` */
export function child(wish: Wish, type: ResourceType, metadata: ChildMetadata, fields: JsonObject): Child {
  const { name, labels, ...rest } = metadata;
  const object = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      name,
      namespace: wish.namespace,
      labels: { ...labels, ...childLabels(wish.name) },
      ...rest,
      ownerReferences: [ownerReference(wish)],
    },
    ...fields,
  };
  return { type, object };
}

/** Its children go with the gateway, at the latest when it has been deleted in the foreground. */
function ownerReference({ name, uid }: Wish) {
  return {
    apiVersion: apiVersionOf(EVENT_GATEWAYS),
    kind: EVENT_GATEWAYS.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Tells children of all types apart. */
export function childKey({ type, object }: Child): string {
  return `${typeName(type)} ${keyOf(object.metadata)}`;
}
