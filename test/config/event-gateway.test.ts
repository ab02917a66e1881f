import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResource } from '../../src/config/resource.ts';
import { gateway, rulesBroken } from './documents.ts';
import { INVALID_GATEWAYS, VALID_GATEWAYS } from './event-gateway-cases.ts';

describe('EventGateway', () => {
  it('fills every default', () => {
    const found = parseResource(gateway());
    assert.ok(found.ok && found.value.kind === 'EventGateway');
    assert.deepEqual(found.value.document.spec, {
      streams: [
        { path: '/events', topics: ['events'], guardRefs: [{ name: 'example' }], public: false, scopes: [] },
      ],
      cors: { origins: ['*'] },
      heartbeat: 15_000,
      retry: 2_000,
      replay: { maxEvents: 100_000, maxAge: 3_600_000, maxBytes: 268_435_456, maxPerStream: 10_000 },
      limits: {
        connections: 20_000,
        perSubject: 20,
        eventBytes: 262_144,
        ringBytes: 67_108_864,
        lagTime: 30_000,
      },
      drain: { lameDuck: 10_000, window: 60_000 },
      accessLog: { enabled: true },
      ingest: { replicas: 2, maxStall: 30_000 },
      gateway: { replicas: 2 },
    });
  });

  it('keeps every field that is given, durations in milliseconds, sizes in bytes', () => {
    const keyRef = { name: 'redis', key: 'url' };
    const pods = {
      labels: { team: 'a' },
      annotations: { 'example.com/x': 'long text' },
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute', tolerationSeconds: 5 }],
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'pull' }],
    };
    const given = {
      tls: { secretName: 'web' },
      redis: {
        urlSecretRef: keyRef,
        prefix: 'x:',
        required: true,
        waitReplicas: 1,
        tls: { caConfigMapKeyRef: keyRef, clientSecretName: 'c', serverName: 'redis' },
      },
      ingest: {
        replicas: 0,
        auth: 'ClientCertificate',
        tls: { secretName: 'ingest', clientCaConfigMapKeyRef: keyRef },
        podTemplate: pods,
      },
      gateway: {
        replicas: 3,
        autoscaling: { minReplicas: 1, maxReplicas: 9, connections: 5_000, cpuPercent: 50 },
        route: {
          parentRefs: [{ name: 'g', namespace: 'n', sectionName: 's' }],
          hostnames: ['*.example.com'],
        },
        podTemplate: pods,
      },
    };
    const found = parseResource(
      gateway({
        ...given,
        redis: { ...given.redis, notReadyAfter: '1m' },
        ingest: { ...given.ingest, maxStall: '5s' },
        gateway: {
          ...given.gateway,
          resources: { requests: { cpu: 1, memory: '1Gi' }, limits: { cpu: '0.5' } },
        },
        limits: { eventBytes: 4096, ringBytes: '1Mi', streamAge: '24h' },
      }),
    );
    assert.ok(found.ok && found.value.kind === 'EventGateway');
    const { tls, redis, ingest, gateway: pod, limits } = found.value.document.spec;
    assert.deepEqual(tls, given.tls);
    assert.deepEqual(redis, { ...given.redis, notReadyAfter: 60_000 });
    assert.deepEqual(ingest, { ...given.ingest, maxStall: 5_000 });
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '0.5' } };
    assert.deepEqual(pod, { ...given.gateway, resources });
    assert.deepEqual(limits, {
      connections: 20_000,
      perSubject: 20,
      eventBytes: 4_096,
      ringBytes: 1_048_576,
      lagTime: 30_000,
      streamAge: 86_400_000,
    });
  });

  for (const [what, spec] of VALID_GATEWAYS) {
    it(`accepts ${what}`, () => assert.deepEqual(rulesBroken(gateway(spec)), []));
  }

  for (const [what, spec, ...rules] of INVALID_GATEWAYS) {
    it(`refuses ${what}`, () => assert.deepEqual(rulesBroken(gateway(spec)), rules));
  }
});
