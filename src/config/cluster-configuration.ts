import { gatewayInClusterViolations, guardInClusterViolations } from './cluster-requirements.ts';
import type { Configuration } from './configuration.ts';
import { crossCheck } from './cross-check.ts';
import { type Fault, pathText } from './fault.ts';
import { type Placed, type PlacedGateway, type PlacedGuard, placeDocument } from './placed.ts';
import type { KeyRef } from './reference.ts';

/** An object of the cluster, as far as it matters here. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number };
  readonly [field: string]: unknown;
}

export interface ClusterConfiguration {
  /** Absent while there has never been a good one. */
  readonly configuration: Configuration | undefined;
  /** Whatever kept an object, or all of them together, from taking effect. */
  readonly faults: readonly Fault[];
}

/**
 * The configuration that an EventGateway and the JwtGuards that there are of those it names make. A guard that is not
 * there lets nobody in; one that is faulty stays as it was, so that it can not hold up the others.
 *
 * @param before what is in force
 */
export function composeConfiguration(
  gateway: ClusterObject,
  guards: readonly ClusterObject[],
  before: Configuration | undefined,
): ClusterConfiguration {
  const judged = [gateway, ...guards].map(judge);
  const faults = judged.flatMap((each) => each.faults);
  const placed = judged.flatMap((each) => each.placed ?? []);
  const crossFaults = crossCheck(placed, false).map(withoutLine);
  const next = placed.find((each): each is PlacedGateway => each.kind === 'EventGateway')?.document;
  if (next === undefined || crossFaults.length > 0) {
    return { configuration: before, faults: [...faults, ...crossFaults] };
  }
  const entries = placed
    .filter((each): each is PlacedGuard => each.kind === 'JwtGuard')
    .flatMap(({ name, document }) => {
      const known = document ?? lastGood(before, name, guards);
      return known === undefined ? [] : [[name, known] as const];
    });
  const generation = gateway.metadata.generation ?? 1;
  return { configuration: { gateway: { ...next, generation }, guards: new Map(entries) }, faults };
}

/** ConfigMaps that the gateway and these guards refer to; they are read by their own rights. */
export function configMapsOf({ gateway, guards }: Configuration): readonly KeyRef[] {
  const { ingest, redis } = gateway.spec;
  const ofGuards = [...guards.values()].flatMap(({ spec }) => [
    spec.jwks.configMapKeyRef,
    spec.jwks.caConfigMapKeyRef,
  ]);
  const all = [...ofGuards, redis?.tls?.caConfigMapKeyRef, ingest.tls?.clientCaConfigMapKeyRef];
  return all.filter((ref) => ref !== undefined);
}

/** Names of the guards that the gateway's streams name, as far as its spec can be read. */
export function guardNamesOf(gateway: ClusterObject): ReadonlySet<string> {
  const { placed } = judge(gateway);
  const streams = placed?.kind === 'EventGateway' ? (placed.document?.spec.streams ?? []) : [];
  return new Set(streams.flatMap(({ guardRefs }) => (guardRefs ?? []).map(({ name }) => name)));
}

function judge(object: ClusterObject): {
  readonly placed: Placed | undefined;
  readonly faults: readonly Fault[];
} {
  const file = `${object.kind}/${object.metadata.name}`;
  const { placed, faults } = placeDocument({ file, value: object, lineOf: () => 0 });
  const { generation = 1 } = object.metadata;
  switch (placed?.kind) {
    case 'EventGateway': {
      const violations =
        placed.document === undefined ? [] : gatewayInClusterViolations(placed.document.spec);
      return violations.length > 0
        ? { placed: { ...placed, document: undefined }, faults: told(file, violations) }
        : { placed, faults: faults.map(withoutLine) };
    }
    case 'JwtGuard': {
      const { document } = placed;
      if (document === undefined) return { placed, faults: faults.map(withoutLine) };
      const violations = guardInClusterViolations(document.spec);
      return violations.length > 0
        ? { placed: { ...placed, document: undefined }, faults: told(file, violations) }
        : { placed: { ...placed, document: { ...document, generation } }, faults: [] };
    }
    case undefined:
      return { placed, faults: faults.map(withoutLine) };
  }
}

function told(
  file: string,
  violations: readonly { readonly path: readonly PropertyKey[]; readonly rule: string }[],
) {
  return violations.map(({ path, rule }) => ({ file, path: pathText(path), rule }));
}

/** An object of the cluster has no lines. */
function withoutLine({ line: _, ...fault }: Fault): Fault {
  return fault;
}

/** Of the same object: one that was deleted and made again starts anew. */
function lastGood(before: Configuration | undefined, name: string, guards: readonly ClusterObject[]) {
  const known = before?.guards.get(name);
  const now = guards.find(({ metadata }) => metadata.name === name);
  return known?.uid === now?.metadata.uid ? known : undefined;
}
