import { type EpochMs, epochMs } from '../core/brand.ts';
import { isJsonObject, type KubeDraft, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';

export const LEASES: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};

/** What a Lease says. Its times are for people: whoever judges by them compares clocks. */
export interface LeaseTerm {
  /** Absent: nobody holds it. */
  readonly holder: string | undefined;
  readonly durationMs: number | undefined;
  readonly transitions: number;
  readonly acquiredAt: EpochMs | undefined;
}

export function readTerm(lease: KubeObject): LeaseTerm {
  const spec = isJsonObject(lease['spec']) ? lease['spec'] : {};
  const { holderIdentity, leaseDurationSeconds, leaseTransitions, acquireTime } = spec;
  const acquiredAt = typeof acquireTime === 'string' ? Date.parse(acquireTime) : Number.NaN;
  return {
    holder: typeof holderIdentity === 'string' && holderIdentity !== '' ? holderIdentity : undefined,
    durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1000 : undefined,
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    acquiredAt: Number.isNaN(acquiredAt) ? undefined : epochMs(acquiredAt),
  };
}

export function draftLease(name: string, namespace: string, spec: LeaseSpec): KubeDraft {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec };
}

export type LeaseSpec = Readonly<Record<string, string | number>>;

/** The term of `holder` from now on; `before` is what the lease said. */
export function heldSpec(holder: string, durationMs: number, now: EpochMs, before?: LeaseTerm): LeaseSpec {
  const isNew = before?.holder !== holder;
  return {
    holderIdentity: holder,
    leaseDurationSeconds: durationMs / 1000,
    acquireTime: microTime(isNew ? now : (before.acquiredAt ?? now)),
    renewTime: microTime(now),
    leaseTransitions: before === undefined ? 0 : before.transitions + Number(isNew),
  };
}

/** Nobody's: whoever comes next need not wait. */
export function releasedSpec(now: EpochMs, { transitions }: LeaseTerm): LeaseSpec {
  return { leaseDurationSeconds: 1, renewTime: microTime(now), leaseTransitions: transitions };
}

/** The API server takes exactly six decimals. */
function microTime(time: EpochMs): string {
  return new Date(time).toISOString().replace('Z', '000Z');
}
