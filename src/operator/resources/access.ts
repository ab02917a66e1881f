import type { RbacV1Subject, V1PolicyRule, V1RoleRef } from '@kubernetes/client-node';
import { configMapsOf } from '../../config/cluster-configuration.ts';
import type { ResourceType } from '../../kube/resource-type.ts';
import { CONFIG_MAPS, EVENT_GATEWAYS, JWT_GUARDS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS } from '../kinds.ts';
import { type Component, childName } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';

/** Who the pods of a component are, and what they may read: their own configuration by name, and no Secret. */
export function access(wish: Wish, component: Component): readonly Child[] {
  const metadata = {
    name: childName(wish.name, component),
    labels: { 'app.kubernetes.io/component': component },
  };
  const rules: V1PolicyRule[] = [
    rule(EVENT_GATEWAYS, [wish.name]),
    ...rulesFor(JWT_GUARDS, guardNames(wish)),
    ...rulesFor(CONFIG_MAPS, configMapNames(wish)),
  ];
  const roleRef: V1RoleRef = { apiGroup: ROLES.group, kind: ROLES.kind, name: metadata.name };
  const subjects: RbacV1Subject[] = [
    { kind: SERVICE_ACCOUNTS.kind, name: metadata.name, namespace: wish.namespace },
  ];
  return [
    child(wish, SERVICE_ACCOUNTS, metadata, { automountServiceAccountToken: false }),
    child(wish, ROLES, metadata, { rules }),
    child(wish, ROLE_BINDINGS, metadata, { roleRef, subjects }),
  ];
}

/** Without names a rule would be about all objects. */
function rulesFor(type: ResourceType, names: readonly string[]): readonly V1PolicyRule[] {
  return names.length === 0 ? [] : [rule(type, names)];
}

function rule({ group, plural }: ResourceType, names: readonly string[]): V1PolicyRule {
  return {
    apiGroups: [group],
    resources: [plural],
    resourceNames: [...names],
    verbs: ['get', 'list', 'watch'],
  };
}

/** Also those that are not there (yet): their pods watch for them. */
function guardNames({ spec }: Wish): readonly string[] {
  return sorted(spec.streams.flatMap(({ guardRefs }) => guardRefs.map(({ name }) => name)));
}

function configMapNames({ spec, guards }: Wish): readonly string[] {
  const documents = new Map(
    [...guards].map(([name, guard]) => [name, { name, uid: '', generation: 0, spec: guard }]),
  );
  const refs = configMapsOf({ gateway: { name: '', uid: '', generation: 0, spec }, guards: documents });
  return sorted(refs.map(({ name }) => name));
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
