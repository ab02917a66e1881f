import { pathText } from '../../src/config/fault.ts';
import { parseResource } from '../../src/config/resource.ts';

/** The smallest guard that is valid, with these fields of its spec changed. */
export function guard(spec: Readonly<Record<string, unknown>> = {}): unknown {
  const least = {
    issuer: 'https://auth.example.com',
    audiences: ['https://api.example.com'],
    jwks: { uri: 'https://auth.example.com/jwks.json' },
  };
  return {
    apiVersion: 'tidegate.dev/v1alpha1',
    kind: 'JwtGuard',
    metadata: { name: 'example' },
    spec: { ...least, ...spec },
  };
}

/** The smallest gateway that is valid, with these fields of its spec changed. */
export function gateway(spec: Readonly<Record<string, unknown>> = {}): unknown {
  const least = { streams: [{ path: '/events', guardRefs: [{ name: 'example' }] }] };
  return {
    apiVersion: 'tidegate.dev/v1alpha1',
    kind: 'EventGateway',
    metadata: { name: 'local' },
    spec: { ...least, ...spec },
  };
}

/** What one document by itself is told, as `path: rule`; nothing when it is valid. */
export function rulesBroken(document: unknown): readonly string[] {
  const found = parseResource(document);
  return found.ok ? [] : found.violations.map(({ path, rule }) => `${pathText(path)}: ${rule}`);
}
