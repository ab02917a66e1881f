import * as z from 'zod';
import { duration } from './duration.ts';
import { keyRef, referencePart } from './reference.ts';
import { integer, line } from './text.ts';

/** The log that all pods of a gateway share. */
export const redisSpec = z
  .strictObject({
    urlSecretRef: keyRef('Secret').describe(
      'Where the URL stands: redis:, rediss:, redis+sentinel: or redis+cluster:. Read again when it changes.',
    ),
    prefix: line(128)
      .exactOptional()
      .describe('Begins every key and channel; `tidegate:{NAMESPACE/NAME}:` when absent.'),
    required: z
      .boolean()
      .prefault(false)
      .describe('Whether a pod that has lost Redis stops being ready, instead of being degraded.'),
    notReadyAfter: duration('1s', '1h')
      .prefault('10s')
      .describe('How long Redis must be away before a pod that requires it is not ready.'),
    waitReplicas: integer(0, 8)
      .prefault(0)
      .describe('Replicas that must have an event before it is acknowledged.'),
    tls: z
      .strictObject({
        caConfigMapKeyRef: keyRef('ConfigMap')
          .exactOptional()
          .describe('CA certificates (PEM) to trust instead of the system roots.'),
        clientSecretName: referencePart()
          .exactOptional()
          .describe('Secret of type kubernetes.io/tls with the certificate to show.'),
        serverName: line(253).exactOptional().describe("Name to expect in the server's certificate."),
      })
      .exactOptional()
      .describe('TLS towards Redis, for URLs that ask for it.'),
  })
  .describe('The log that all pods of the gateway share.');
