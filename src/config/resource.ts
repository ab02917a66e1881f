import * as z from 'zod';
import { type EventGatewaySpec, eventGatewaySpec } from './event-gateway.ts';
import { type JwtGuardSpec, jwtGuardSpec } from './jwt-guard.ts';
import { didYouMean } from './nearest.ts';
import { gatewayName, objectName } from './reference.ts';
import { line } from './text.ts';
import { type Validated, type Violation, validate } from './validate.ts';

export const API_VERSION = 'tidegate.dev/v1alpha1';
export const KINDS = ['JwtGuard', 'EventGateway'] as const;
export type Kind = (typeof KINDS)[number];

/** What both kinds say of themselves. */
export interface Identity {
  readonly name: string;
  readonly namespace?: string;
  /** A document that is deleted and made again in a cluster is another one; in a file it is `file:NAME`. */
  readonly uid: string;
  /** Rises whenever the spec changes; with `uid` it tells any two specs apart. */
  readonly generation: number;
}

export interface JwtGuardDocument extends Identity {
  readonly spec: JwtGuardSpec;
}

export interface EventGatewayDocument extends Identity {
  readonly spec: EventGatewaySpec;
}

export type Resource =
  | { readonly kind: 'JwtGuard'; readonly document: JwtGuardDocument }
  | { readonly kind: 'EventGateway'; readonly document: EventGatewayDocument };

const ignored = z.unknown().optional();

/** Judges one document of either kind, from a file. Its generation is 1. */
export function parseResource(value: unknown): Validated<Resource> {
  const kind = validate(z.looseObject({ kind: ignored }), value);
  if (!kind.ok) return kind;
  switch (kind.value.kind) {
    case 'JwtGuard': {
      const found = validate(jwtGuardResource, value);
      if (!found.ok) return found;
      const document = { ...identity(found.value.metadata), spec: found.value.spec };
      return { ok: true, value: { kind: 'JwtGuard', document } };
    }
    case 'EventGateway': {
      const found = validate(eventGatewayResource, value);
      if (!found.ok) return found;
      const document = { ...identity(found.value.metadata), spec: found.value.spec };
      return { ok: true, value: { kind: 'EventGateway', document } };
    }
    default:
      return { ok: false, violations: [...unknownKind(kind.value.kind), ...foreignVersion(value)] };
  }
}

function unknownKind(kind: unknown): readonly Violation[] {
  const meant = typeof kind === 'string' ? didYouMean(kind, KINDS) : '';
  const rule = kind === undefined ? 'is required:' : 'must be';
  return [{ path: ['kind'], rule: `${rule} ${KINDS.join(' or ')}${meant}` }];
}

function foreignVersion(value: unknown): readonly Violation[] {
  const found = validate(z.looseObject({ apiVersion: z.literal(API_VERSION) }), value);
  return found.ok ? [] : found.violations;
}

function identity({ name, namespace, uid = `file:${name}` }: z.output<typeof metadata>): Identity {
  return { name, ...(namespace === undefined ? {} : { namespace }), uid, generation: 1 };
}

/** All that Kubernetes may have written into it, so that `kubectl get -o yaml` is a file that can be read. */
const metadata = z.strictObject({
  name: objectName(),
  namespace: objectName().exactOptional(),
  uid: line(128).exactOptional(),
  labels: ignored,
  annotations: ignored,
  creationTimestamp: ignored,
  deletionGracePeriodSeconds: ignored,
  deletionTimestamp: ignored,
  finalizers: ignored,
  generateName: ignored,
  generation: ignored,
  managedFields: ignored,
  ownerReferences: ignored,
  resourceVersion: ignored,
  selfLink: ignored,
});

const envelope = { apiVersion: z.literal(API_VERSION), metadata, status: ignored };
const jwtGuardResource = z.strictObject({ ...envelope, kind: z.literal('JwtGuard'), spec: jwtGuardSpec });
const eventGatewayResource = z.strictObject({
  ...envelope,
  metadata: metadata.extend({ name: gatewayName() }),
  kind: z.literal('EventGateway'),
  spec: eventGatewaySpec,
});
