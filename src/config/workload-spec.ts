import * as z from 'zod';
import { cel, celMatches } from './cel.ts';
import { objectName } from './reference.ts';
import { INT_OR_STRING } from './size.ts';
import { integer, line, strings } from './text.ts';

// What only Kubernetes needs: the operator copies it to the children. In file mode it is checked and otherwise ignored.

const QUANTITY = /^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/;
const QUANTITY_SENTENCE = 'must be a quantity such as 500m, "0.5" or 512Mi';
const RANGE_SENTENCE = 'must not be less than minReplicas';
const HOST = /^(\*\.)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;
const HOST_SENTENCE = 'must be a host name such as events.example.com';
const LABELS_MAX = 64;

export function replicas() {
  return integer(0, 1_000).prefault(2).describe('Number of pods.');
}

export function resources() {
  const amounts = z.strictObject({
    cpu: quantity().exactOptional().describe('CPU, such as 500m.'),
    memory: quantity().exactOptional().describe('Memory, such as 512Mi.'),
  });
  return z
    .strictObject({
      requests: amounts.exactOptional().describe('What a pod is given at least.'),
      limits: amounts.exactOptional().describe('What a pod may use at most.'),
    })
    .describe('CPU and memory of a pod.');
}

export function podTemplate() {
  return z
    .strictObject({
      labels: strings(LABELS_MAX, 63).exactOptional().describe('Labels added to the pods.'),
      annotations: strings(LABELS_MAX, 4_096).exactOptional().describe('Annotations added to the pods.'),
      nodeSelector: strings(LABELS_MAX, 63).exactOptional().describe('Labels that a node must have.'),
      tolerations: z.array(toleration).max(16).exactOptional().describe('Taints that the pods tolerate.'),
      priorityClassName: objectName().exactOptional().describe('Priority class of the pods.'),
      imagePullSecrets: z
        .array(z.strictObject({ name: objectName().describe('Name of the Secret.') }))
        .max(8)
        .exactOptional()
        .describe("Secrets for the image's registry."),
    })
    .describe('What is added to the pods.');
}

const toleration = z
  .strictObject({
    key: line(317).exactOptional().describe('Key of the taint; all keys when absent.'),
    operator: z.enum(['Exists', 'Equal']).exactOptional().describe('How key and value are compared.'),
    value: z.string().max(63).exactOptional().describe('Value of the taint.'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .exactOptional()
      .describe('Effect of the taint; all effects when absent.'),
    tolerationSeconds: integer(0, 31_536_000)
      .exactOptional()
      .describe('How long a pod stays on a node with a NoExecute taint, in seconds.'),
  })
  .describe('A taint that the pods tolerate.');

export const autoscaling = z
  .strictObject({
    minReplicas: integer(1, 1_000).prefault(2).describe('Fewest pods.'),
    maxReplicas: integer(1, 1_000).describe('Most pods.'),
    connections: integer(1, 1_000_000).exactOptional().describe('Open streams per pod to aim at.'),
    cpuPercent: integer(1, 100)
      .prefault(70)
      .describe('CPU use to aim at, as a percentage of what is requested.'),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
    path: ['maxReplicas'],
    error: RANGE_SENTENCE,
  })
  .meta(
    cel({ rule: 'self.minReplicas <= self.maxReplicas', message: RANGE_SENTENCE, fieldPath: '.maxReplicas' }),
  )
  .describe('Scales the pods between two numbers; `replicas` is then ignored.');

export const route = z
  .strictObject({
    parentRefs: z
      .array(
        z.strictObject({
          name: objectName().describe('Name of the Gateway.'),
          namespace: objectName().exactOptional().describe('Namespace of the Gateway; the same when absent.'),
          sectionName: objectName().exactOptional().describe('Listener of the Gateway; all when absent.'),
        }),
      )
      .min(1)
      .max(8)
      .describe('Gateways of the Gateway API that lead here.'),
    hostnames: z
      .array(
        z
          .string()
          .min(1)
          .max(253)
          .regex(HOST, { error: HOST_SENTENCE })
          .meta(cel({ rule: celMatches(HOST), message: HOST_SENTENCE })),
      )
      .max(16)
      .prefault([])
      .describe('Host names to match; all when empty.'),
  })
  .describe('An HTTPRoute to the public port, where the cluster has the Gateway API.');

/** A Kubernetes quantity; comes out as its text. */
function quantity() {
  return z
    .unknown()
    .meta({
      ...INT_OR_STRING,
      pattern: QUANTITY.source,
      maxLength: 27,
      ...cel({ rule: celMatches(QUANTITY, 'string(self)'), message: QUANTITY_SENTENCE }),
    })
    .transform((value, context) => {
      const text = Number.isSafeInteger(value) ? String(value) : value;
      if (typeof text === 'string' && QUANTITY.test(text)) return text;
      context.issues.push({
        code: 'custom',
        message: QUANTITY_SENTENCE,
        input: value,
      });
      return z.NEVER;
    });
}
