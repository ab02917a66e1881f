import { gatewayInClusterViolations, guardInClusterViolations } from '../config/cluster-requirements.ts';
import { crossCheck } from '../config/cross-check.ts';
import type { EventGatewaySpec } from '../config/event-gateway.ts';
import { type Fault, pathText } from '../config/fault.ts';
import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type Placed, placeDocument } from '../config/placed.ts';
import type { Violation } from '../config/validate.ts';
import type { KubeObject } from '../kube/kube-object.ts';

// The verdicts of `tidegate check`, on what the cluster has: an older schema, or none, may have let it in.

export type Judged<Spec> =
  | { readonly ok: true; readonly spec: Spec }
  /** Such as `spec.streams[0].path: must begin with "/"`. */
  | { readonly ok: false; readonly faults: readonly string[] };

export function judgeGateway(object: KubeObject): Judged<EventGatewaySpec> {
  const { placed, faults } = place(object);
  if (placed?.kind !== 'EventGateway' || placed.document === undefined) return refused(faults);
  const { spec } = placed.document;
  return accepted(spec, gatewayInClusterViolations(spec));
}

export function judgeGuard(object: KubeObject): Judged<JwtGuardSpec> {
  const { placed, faults } = place(object);
  if (placed?.kind !== 'JwtGuard' || placed.document === undefined) return refused(faults);
  const { spec } = placed.document;
  return accepted(spec, guardInClusterViolations(spec));
}

/** What is wrong between a gateway and its guards; a guard that is not there is not among it. */
export function judgeTogether(gateway: KubeObject, guards: readonly KubeObject[]): readonly string[] {
  const placed = [gateway, ...guards].flatMap((object) => place(object).placed ?? []);
  return crossCheck(placed, false).map(faultLine);
}

function place(object: KubeObject): { placed: Placed | undefined; faults: readonly Fault[] } {
  return placeDocument({ file: '', value: object, lineOf: () => 0 });
}

function accepted<Spec>(spec: Spec, violations: readonly Violation[]): Judged<Spec> {
  if (violations.length === 0) return { ok: true, spec };
  return { ok: false, faults: violations.map(({ path, rule }) => `${pathText(path)}: ${rule}`) };
}

function refused(faults: readonly Fault[]): Judged<never> {
  return { ok: false, faults: faults.map(faultLine) };
}

function faultLine({ path, rule }: Fault): string {
  return path === '' ? rule : `${path}: ${rule}`;
}
