import { createHash } from 'node:crypto';
import type { V1Container, V1ContainerPort, V1ResourceRequirements } from '@kubernetes/client-node';
import type { KeyRef } from '../../config/reference.ts';
import type { Component } from '../names.ts';
import type { Wish } from './child.ts';

type WorkloadSpec = Wish['spec']['gateway'] | Wish['spec']['ingest'];

/** What gateway and ingest pods differ in. */
export interface Workload {
  readonly component: Component;
  readonly spec: WorkloadSpec;
  readonly ports: readonly (V1ContainerPort & { readonly name: string })[];
  /** Keys of Secrets that the pods read as files. */
  readonly secrets: readonly KeyRef[];
  /** What the program takes on with a start only: a change of it replaces the pods. */
  readonly restartsFor: unknown;
  readonly env: Readonly<Record<string, string>>;
  readonly defaultResources: V1ResourceRequirements;
}

export const ADMIN_PORT = 7190;
const TLS_KEYS = ['tls.crt', 'tls.key'];

/** One of the two public ports, as the program chooses it. */
export function publicPort({ spec }: Wish) {
  return spec.tls === undefined
    ? ({ name: 'http', containerPort: 7114, servicePort: 80 } as const)
    : ({ name: 'https', containerPort: 7143, servicePort: 443 } as const);
}

export function gatewayWorkload(wish: Wish): Workload {
  const { accessLog, redis, revocations, tls } = wish.spec;
  const { name, containerPort } = publicPort(wish);
  const credential = revocations?.tokenSecretRef;
  const hashKey = accessLog.enabled ? accessLog.subjectHashKeySecretRef : undefined;
  return {
    component: 'gateway',
    spec: wish.spec.gateway,
    ports: [
      { name, containerPort, protocol: 'TCP' },
      ...(revocations === undefined ? [] : [revocationsPort]),
      admin,
    ],
    secrets: distinct([
      ...redisSecrets(wish),
      ...tlsSecrets(tls?.secretName),
      ...(credential === undefined ? [] : [credential]),
      ...tlsSecrets(revocations?.tls?.secretName),
      ...(hashKey === undefined ? [] : [hashKey]),
    ]),
    restartsFor: [redis?.prefix, ...(revocations === undefined ? [] : ['revocations', revocations.tls])],
    env: wish.gatewayEnv ?? {},
    defaultResources: { requests: { cpu: '100m', memory: '192Mi' } },
  };
}

export function ingestWorkload(wish: Wish): Workload {
  const { ingest, redis } = wish.spec;
  return {
    component: 'ingest',
    spec: ingest,
    ports: [
      { name: 'ingest', containerPort: 7001, protocol: 'TCP' },
      { name: 'publish', containerPort: 7002, protocol: 'TCP' },
      admin,
    ],
    secrets: distinct([...redisSecrets(wish), ...tlsSecrets(ingest.tls?.secretName)]),
    restartsFor: [redis?.prefix, ingest.auth, ingest.tls],
    env: {},
    defaultResources: { requests: { cpu: '100m', memory: '128Mi' } },
  };
}

export const REVOCATIONS_PORT = 7191;
const revocationsPort = { name: 'revocations', containerPort: REVOCATIONS_PORT, protocol: 'TCP' } as const;
const admin = { name: 'admin', containerPort: ADMIN_PORT, protocol: 'TCP' } as const;

function redisSecrets({ spec: { redis } }: Wish): readonly KeyRef[] {
  return redis === undefined ? [] : [redis.urlSecretRef, ...tlsSecrets(redis.tls?.clientSecretName)];
}

function tlsSecrets(name: string | undefined): readonly KeyRef[] {
  return name === undefined ? [] : TLS_KEYS.map((key) => ({ name, key }));
}

/** A path may be in a volume once. */
function distinct(refs: readonly KeyRef[]): readonly KeyRef[] {
  return [...new Map(refs.map((ref) => [`${ref.name}/${ref.key}`, ref])).values()];
}

export function restartHash({ restartsFor }: Workload): string {
  return createHash('sha256').update(JSON.stringify(restartsFor)).digest('hex').slice(0, 16);
}

export function resources({ spec, defaultResources }: Workload): V1ResourceRequirements {
  if (spec.resources === undefined) return defaultResources;
  const { limits, requests } = spec.resources;
  return { ...(limits && { limits: { ...limits } }), ...(requests && { requests: { ...requests } }) };
}

/** Liveness depends on nothing but the process, and is patient: a restart would cut every stream of the pod. */
export const PROBES: Pick<V1Container, 'startupProbe' | 'livenessProbe' | 'readinessProbe'> = {
  startupProbe: probe('/livez', { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 }),
  livenessProbe: probe('/livez', { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
  readinessProbe: probe('/readyz', { periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 }),
};

function probe(
  path: string,
  times: { periodSeconds: number; timeoutSeconds: number; failureThreshold: number },
) {
  return { httpGet: { path, port: 'admin', scheme: 'HTTP' }, successThreshold: 1, ...times };
}
