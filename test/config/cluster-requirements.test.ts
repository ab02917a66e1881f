import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  gatewayInClusterViolations,
  guardInClusterViolations,
} from '../../src/config/cluster-requirements.ts';
import { pathText } from '../../src/config/fault.ts';
import { parseResource } from '../../src/config/resource.ts';
import type { Violation } from '../../src/config/validate.ts';
import { gateway, guard } from './documents.ts';

const text = ({ path, rule }: Violation) => `${pathText(path)}: ${rule}`;

describe('gatewayInClusterViolations', () => {
  const redis = { urlSecretRef: { name: 'redis', key: 'url' } };
  const ca = { name: 'ca', key: 'ca.crt' };
  const CA_RULE = 'spec.ingest.tls.clientCaConfigMapKeyRef: is required for ClientCertificate';
  const cases: readonly [string, Readonly<Record<string, unknown>>, ...string[]][] = [
    [
      'what one machine does without',
      {},
      'spec.redis: is required in a cluster',
      'spec.ingest.auth: is required in a cluster: None or ClientCertificate',
    ],
    ['a choice for none', { redis, ingest: { auth: 'None' } }],
    ['certificates that nobody can judge', { redis, ingest: { auth: 'ClientCertificate' } }, CA_RULE],
    [
      'certificates with their CA',
      { redis, ingest: { auth: 'ClientCertificate', tls: { secretName: 't', clientCaConfigMapKeyRef: ca } } },
    ],
  ];
  for (const [what, spec, ...rules] of cases) {
    it(what, () => {
      const found = parseResource(gateway(spec));
      assert.ok(found.ok && found.value.kind === 'EventGateway');
      assert.deepEqual(gatewayInClusterViolations(found.value.document.spec).map(text), rules);
    });
  }
});

describe('guardInClusterViolations', () => {
  const RULE = 'spec.jwks.uri: must be an https URL of another host in a cluster';
  const cases: readonly [string, ...string[]][] = [
    ['https://auth.example.com/'],
    ['http://localhost:8080/', RULE],
    ['https://127.0.0.1/', RULE],
    ['https://[::1]/', RULE],
  ];
  for (const [uri, ...rules] of cases) {
    it(uri, () => {
      const found = parseResource(guard({ jwks: { uri } }));
      assert.ok(found.ok && found.value.kind === 'JwtGuard');
      assert.deepEqual(guardInClusterViolations(found.value.document.spec).map(text), rules);
    });
  }
});
