import * as z from 'zod';
import { listMap } from './cel.ts';
import type { DeepReadonly } from './deep-readonly.ts';
import { integer } from './text.ts';

// What the operator writes into the status subresources. It alone writes there, so these only describe and bound.

const GENERATION_MAX = Number.MAX_SAFE_INTEGER;
const PODS_MAX = 1_000_000;
const CONDITIONS_MAX = 16;

/** As `metav1.Condition` of Kubernetes' own API. */
export const condition = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Z][A-Za-z]*$/)
      .describe('What it is about; one of each type.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
    observedGeneration: integer(0, GENERATION_MAX)
      .exactOptional()
      .describe('Generation of the document that was judged.'),
    lastTransitionTime: z
      .string()
      .max(40)
      .meta({ format: 'date-time' })
      .describe('When `status` last changed.'),
    reason: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .describe('Why, in one word for programs.'),
    message: z.string().max(32_768).describe('Why, for people, and what to do next.'),
  })
  .describe('One thing that is so or not.');

export type Condition = DeepReadonly<z.output<typeof condition>>;

/** `Accepted`, `KeysReady`, `Enforced`. */
export const jwtGuardStatus = z
  .strictObject({
    observedGeneration: observedGeneration(),
    conditions: conditions(),
    pods: z
      .strictObject({
        total: integer(0, PODS_MAX).describe('Running gateway pods of all gateways that name the guard.'),
        enforcing: integer(0, PODS_MAX).describe(
          'Those that judge by the current generation and have ended the streams that it no longer lets in.',
        ),
      })
      .exactOptional()
      .describe('How far the current generation has come.'),
  })
  .describe('What has become of the guard.');

export type JwtGuardStatus = DeepReadonly<z.output<typeof jwtGuardStatus>>;

/** `Accepted`, `Ready`, `Progressing`, `Degraded`. */
export const eventGatewayStatus = z
  .strictObject({
    observedGeneration: observedGeneration(),
    conditions: conditions(),
    gateway: workload('gateway').exactOptional(),
    ingest: workload('ingest').exactOptional(),
    connections: integer(0, GENERATION_MAX)
      .exactOptional()
      .describe('Open streams of all pods, when last asked.'),
  })
  .describe('What has become of the gateway.');

export type EventGatewayStatus = DeepReadonly<z.output<typeof eventGatewayStatus>>;

function observedGeneration() {
  return integer(0, GENERATION_MAX)
    .exactOptional()
    .describe('Generation of the document that this status is about.');
}

function conditions() {
  return z
    .array(condition)
    .max(CONDITIONS_MAX)
    .meta(listMap('type'))
    .exactOptional()
    .describe('What is so and what is not, one of each type.');
}

function workload(what: string) {
  return z
    .strictObject({
      replicas: integer(0, PODS_MAX).describe(`Number of ${what} pods that there should be.`),
      readyReplicas: integer(0, PODS_MAX).describe(`Number of ${what} pods that are ready.`),
      updatedReplicas: integer(0, PODS_MAX)
        .exactOptional()
        .describe(`Number of ${what} pods that are as the document wants them.`),
    })
    .describe(`The ${what} pods.`);
}
