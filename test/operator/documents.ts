/** An EventGateway as its author writes it. */
export function gatewayDocument(namespace: string, name: string, more: object = {}) {
  return {
    apiVersion: 'tidegate.dev/v1alpha1',
    kind: 'EventGateway',
    metadata: { name, namespace },
    spec: {
      streams: [{ path: '/events', guardRefs: [{ name: 'main' }] }],
      redis: { urlSecretRef: { name: 'redis', key: 'url' } },
      ingest: { auth: 'None' },
      ...more,
    },
  };
}

export function guardDocument(namespace: string, name: string, more: object = {}) {
  return {
    apiVersion: 'tidegate.dev/v1alpha1',
    kind: 'JwtGuard',
    metadata: { name, namespace },
    spec: {
      issuer: 'https://issuer.example/',
      audiences: ['events'],
      jwks: { configMapKeyRef: { name: 'keys', key: 'jwks.json' } },
      ...more,
    },
  };
}

/** With every optional part that makes a difference to the children. */
export const FULL = {
  tls: { secretName: 'certificate' },
  revocations: { tokenSecretRef: { name: 'revoker', key: 'token' }, tls: { secretName: 'revocations' } },
  accessLog: { subjectHashKeySecretRef: { name: 'hashes', key: 'key' } },
  redis: {
    urlSecretRef: { name: 'redis', key: 'url' },
    prefix: 'shop:{events}:',
    tls: { caConfigMapKeyRef: { name: 'redis-ca', key: 'ca.crt' }, clientSecretName: 'redis-client' },
  },
  ingest: {
    auth: 'ClientCertificate',
    replicas: 3,
    tls: { secretName: 'ingest', clientCaConfigMapKeyRef: { name: 'producers', key: 'ca.crt' } },
    resources: { requests: { cpu: '0.5', memory: '256Mi' }, limits: { memory: '0.5Gi' } },
  },
  drain: { lameDuck: '5s', window: '30500ms' },
  gateway: {
    autoscaling: { minReplicas: 3, maxReplicas: 9, connections: 5000 },
    resources: { limits: { cpu: 1, memory: '1Gi' } },
    route: { parentRefs: [{ name: 'public', namespace: 'infra' }], hostnames: ['events.example.com'] },
    podTemplate: {
      labels: { team: 'shop', 'app.kubernetes.io/component': 'mine' },
      annotations: { 'example.com/note': 'kept' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'registry' }],
    },
  },
};
