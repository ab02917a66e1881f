import type { EventGatewaySpec } from './event-gateway.ts';
import { isLoopbackUrl } from './jwks-source.ts';
import type { JwtGuardSpec } from './jwt-guard.ts';
import type { Violation } from './validate.ts';

// What is optional on one machine and required in a cluster. Paths are from the document's root.

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
    const rule = 'is required for ClientCertificate';
    violations.push({ path: ['spec', 'ingest', 'tls', 'clientCaConfigMapKeyRef'], rule });
  }
  return violations;
}

/** In a pod, loopback is another container's business, and plain http can be read on the way. */
export function guardInClusterViolations({ jwks }: JwtGuardSpec): readonly Violation[] {
  const url = jwks.uri === undefined ? null : URL.parse(jwks.uri);
  if (url === null || (url.protocol === 'https:' && !isLoopbackUrl(url))) return [];
  return [{ path: ['spec', 'jwks', 'uri'], rule: 'must be an https URL of another host in a cluster' }];
}
