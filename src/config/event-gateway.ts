import * as z from 'zod';
import { cel, listMap, UNIQUE } from './cel.ts';
import type { DeepReadonly } from './deep-readonly.ts';
import { duration } from './duration.ts';
import { redisSpec } from './redis-spec.ts';
import { keyRef, referencePart } from './reference.ts';
import { size } from './size.ts';
import { streamSpec } from './stream-spec.ts';
import { distinct, integer } from './text.ts';
import { rule } from './validate.ts';
import { autoscaling, podTemplate, replicas, resources, route } from './workload-spec.ts';

const ORIGIN_CHARACTERS_MAX = 256;
const ORIGINS_SENTENCE = 'must be either "*" alone or a list of origins';
const RING_SENTENCE = 'must be at least twice eventBytes';
const [RING, EVENT] = ['string(self.ringBytes)', 'string(self.eventBytes)'];
const RING_RULE = `!isQuantity(${RING}) || !isQuantity(${EVENT}) || quantity(${RING}).compareTo(quantity(${EVENT}).add(quantity(${EVENT}))) >= 0`;

/** `isOrigin` in CEL, but for what a browser would spell otherwise inside a host. */
const ORIGIN_RULE = `self == '*' || ${[
  "self.matches(r'^https?://([-_.a-z0-9]+|[[][0-9a-f:]+[]])(:[1-9][0-9]{0,4})?$')",
  "!self.matches(r'^(http://.*:80|https://.*:443)$')",
  // A host whose last part is a number is an IPv4 address.
  "(!self.matches(r'^[^:]*://([^:]*[.])?[0-9]+(:|$)') || self.matches(r'^[^:]*://[0-9]{1,3}([.][0-9]{1,3}){3}(:|$)'))",
].join(' && ')} || ${[
  "!self.matches(r'^https?:')",
  "self.matches(r'^[a-z][-+.a-z0-9]*://[-._a-z0-9]+(:[0-9]{1,5})?$')",
].join(' && ')}`;

/**
 * The one source of the gateway's fields, defaults, limits and descriptions.
 * Durations come out in milliseconds, sizes in bytes.
 */
export const eventGatewaySpec = z
  .strictObject({
    streams: z
      .array(streamSpec)
      .min(1)
      .max(64)
      .check(distinct('is the path of an earlier stream already', ({ path }) => path, ['path']))
      .meta(listMap('path'))
      .describe('The paths that carry events, each once.'),
    cors: z
      .strictObject({
        origins: z
          .array(origin())
          .min(1)
          .max(64)
          .check(distinct('is listed twice', String))
          .refine((origins) => origins.length === 1 || !origins.includes('*'), {
            error: ORIGINS_SENTENCE,
          })
          .meta(cel(UNIQUE, { rule: "self.size() == 1 || !('*' in self)", message: ORIGINS_SENTENCE }))
          .prefault(['*'])
          .describe('Origins whose pages may read the streams; `*` for all, then without cookies.'),
      })
      .prefault({})
      .describe('Which web pages may read the streams.'),
    heartbeat: duration('1s', '10m').prefault('15s').describe('Silence after which a heartbeat is sent.'),
    retry: duration('100ms', '10m')
      .prefault('2s')
      .describe('How long clients wait before they reconnect, ±25 % per connection.'),
    replay: z
      .strictObject({
        maxEvents: integer(1, 100_000_000).prefault(100_000).describe('Most events that are retained.'),
        maxAge: duration('1s', '8760h').prefault('1h').describe('Oldest event that is retained.'),
        maxBytes: size('64Ki', '1024Gi').prefault('256Mi').describe('Most bytes that are retained.'),
        maxPerStream: integer(0, 1_000_000)
          .prefault(10_000)
          .describe('Most events that are sent to a stream that resumes.'),
      })
      .prefault({})
      .describe('What is retained for clients that resume; whichever bound is met first.'),
    limits: z
      .strictObject({
        connections: integer(1, 1_000_000).prefault(20_000).describe('Most open streams.'),
        perSubject: integer(1, 100_000)
          .prefault(20)
          .describe('Most open streams of one subject of one guard, or of one token without a subject.'),
        eventBytes: size('1Ki', '16Mi').prefault('256Ki').describe('Largest event.'),
        ringBytes: size('64Ki', '4Gi').prefault('64Mi').describe('Recent events that all streams share.'),
        lagTime: duration('1s', '10m').prefault('30s').describe('How far a stream may fall behind.'),
        streamAge: duration('1s', '8760h')
          .exactOptional()
          .describe('Age at which a stream is ended, ±20 %; never when absent.'),
      })
      .refine(({ eventBytes, ringBytes }) => ringBytes >= 2 * eventBytes, {
        path: ['ringBytes'],
        error: RING_SENTENCE,
      })
      .meta(cel({ rule: RING_RULE, message: RING_SENTENCE, fieldPath: '.ringBytes' }))
      .prefault({})
      .describe('Limits of one pod.'),
    drain: z
      .strictObject({
        lameDuck: duration('0s', '5m')
          .prefault('10s')
          .describe('How long a pod that ends keeps its streams while new ones go elsewhere.'),
        window: duration('0s', '1h').prefault('60s').describe('Time over which its streams are then ended.'),
      })
      .prefault({})
      .describe('How a pod ends; its grace period is the sum plus 15 s.'),
    accessLog: z
      .strictObject({
        enabled: z
          .boolean()
          .prefault(true)
          .describe('Whether the log has one line for each stream that has ended.'),
        subjectHashKeySecretRef: keyRef('Secret')
          .exactOptional()
          .describe(
            'The key, 16 to 4096 bytes, by which lines hold a hash of the subject; read at the start and when this field changes. Without it they say nothing of the subject.',
          ),
      })
      .prefault({})
      .describe('What is written about streams that have ended.'),
    tls: serverTls('Certificate of the public port.').exactOptional(),
    redis: redisSpec.exactOptional(),
    revocations: z
      .strictObject({
        tokenSecretRef: keyRef('Secret')
          .exactOptional()
          .describe(
            'Where the bearer token of `POST /revocations` stands, one a line while it is replaced; read again when it changes. Without it only logout tokens revoke.',
          ),
        tls: serverTls('Certificate of the port of revocations; clear text when absent.').exactOptional(),
      })
      .exactOptional()
      .describe(
        'The port where tokens are revoked, by whoever has its credential or by the logout tokens of the issuers.',
      ),
    ingest: z
      .strictObject({
        replicas: replicas(),
        auth: z
          .enum(['None', 'ClientCertificate'])
          .exactOptional()
          .describe('How producers prove who they are; must be chosen in a cluster.'),
        maxStall: duration('1s', '10m')
          .prefault('30s')
          .describe('How long a producer is held back while the log cannot be reached.'),
        tls: serverTls('Certificate of the ingest ports.')
          .extend({
            clientCaConfigMapKeyRef: keyRef('ConfigMap')
              .exactOptional()
              .describe("CA certificates (PEM) that issue the producers' certificates."),
          })
          .exactOptional()
          .describe('Certificate of the ingest ports.'),
        resources: resources().exactOptional(),
        podTemplate: podTemplate().exactOptional(),
      })
      .prefault({})
      .describe('The ingest servers, through which producers publish.'),
    gateway: z
      .strictObject({
        replicas: replicas(),
        autoscaling: autoscaling.exactOptional(),
        resources: resources().exactOptional(),
        route: route.exactOptional(),
        podTemplate: podTemplate().exactOptional(),
      })
      .prefault({})
      .describe('The pods that hold the streams.'),
  })
  .describe('The streams that are offered, and the means to do so.');

export type EventGatewaySpec = DeepReadonly<z.output<typeof eventGatewaySpec>>;
export type StreamSpec = EventGatewaySpec['streams'][number];

function serverTls(description: string) {
  return z
    .strictObject({
      secretName: referencePart().describe('Secret of type kubernetes.io/tls in the same namespace.'),
    })
    .describe(description);
}

function origin() {
  const message = 'must be an origin such as https://app.example.com, or "*"';
  return z
    .string()
    .max(ORIGIN_CHARACTERS_MAX)
    .refine(isOrigin, rule(message))
    .meta(cel({ rule: ORIGIN_RULE, message }));
}

/** As browsers write it (RFC 6454, section 6.2): no path, no default port, lower case. */
function isOrigin(text: string): boolean {
  if (text === '*') return true;
  // The URL standard takes a wildcard for part of a name, which no page would ever have.
  if (/^https?:/.test(text)) return URL.parse(text)?.origin === text && !text.includes('*');
  return /^[a-z][-+.a-z0-9]*:\/\/[-._a-z0-9]+(:\d{1,5})?$/.test(text);
}
