import type { CelRule } from './cel.ts';
import type { EventGatewaySpec } from './event-gateway.ts';
import { CEL_REMOTE_HTTPS, isLoopbackUrl } from './jwks-source.ts';
import type { JwtGuardSpec } from './jwt-guard.ts';
import type { Violation } from './validate.ts';

// What is optional on one machine and required in a cluster. Paths are from the document's root.

const CLIENT_CA_SENTENCE = 'is required for ClientCertificate';
const URI_SENTENCE = 'must be an https URL of another host in a cluster';

/** The same for a CustomResourceDefinition: by the path of a part of the spec, what is added to that part's schema. */
export type InCluster = ReadonlyMap<
  string,
  {
    readonly required?: readonly string[];
    /** Where a default would leave out what is required inside. */
    readonly withoutDefault?: true;
    readonly rules?: readonly CelRule[];
  }
>;

export const GATEWAY_IN_CLUSTER: InCluster = new Map([
  ['', { required: ['redis', 'ingest'] }],
  [
    'ingest',
    {
      required: ['auth'],
      withoutDefault: true,
      rules: [
        {
          rule: "self.auth != 'ClientCertificate' || (has(self.tls) && has(self.tls.clientCaConfigMapKeyRef))",
          message: CLIENT_CA_SENTENCE,
          fieldPath: '.tls.clientCaConfigMapKeyRef',
        },
      ],
    },
  ],
]);

export const GUARD_IN_CLUSTER: InCluster = new Map([
  [
    'jwks.uri',
    {
      rules: [
        {
          rule: `!isURL(self) || (${CEL_REMOTE_HTTPS})`,
          message: URI_SENTENCE,
        },
      ],
    },
  ],
]);

/** A cluster has several pods, so they need a log that they share and a decision on who may publish. */
export function gatewayInClusterViolations({ redis, ingest }: EventGatewaySpec): readonly Violation[] {
  const violations: Violation[] = [];
  if (redis === undefined) violations.push({ path: ['spec', 'redis'], rule: 'is required in a cluster' });
  if (ingest.auth === undefined) {
    violations.push({
      path: ['spec', 'ingest', 'auth'],
      rule: 'is required in a cluster: None or ClientCertificate',
    });
  }
  if (ingest.auth === 'ClientCertificate' && ingest.tls?.clientCaConfigMapKeyRef === undefined) {
    const path = ['spec', 'ingest', 'tls', 'clientCaConfigMapKeyRef'];
    violations.push({ path, rule: CLIENT_CA_SENTENCE });
  }
  return violations;
}

/** In a pod, loopback is another container's business, and plain http can be read on the way. */
export function guardInClusterViolations({ jwks }: JwtGuardSpec): readonly Violation[] {
  const url = jwks.uri === undefined ? null : URL.parse(jwks.uri);
  if (url === null || (url.protocol === 'https:' && !isLoopbackUrl(url))) return [];
  return [{ path: ['spec', 'jwks', 'uri'], rule: URI_SENTENCE }];
}
