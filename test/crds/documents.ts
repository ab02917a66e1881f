// biome-ignore-all lint/suspicious/noTemplateCurlyInString: topics are templates

import { gateway, guard } from '../config/documents.ts';
import { INVALID_GATEWAYS, VALID_GATEWAYS } from '../config/event-gateway-cases.ts';
import { INVALID_GUARDS, URI, VALID_GUARDS } from '../config/jwt-guard-cases.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A document of either kind, to be judged twice. */
export interface Sample {
  readonly what: string;
  readonly document: unknown;
}

const claim = (path: string) => ({ claims: { scopes: path } });
const topic = (text: string) => streamed({ topics: [text] });
const streamed = (fields: Fields) => ({
  streams: [{ path: '/events', guardRefs: [{ name: 'example' }], ...fields }],
});
const skew = (clockSkew: unknown) => ({ clockSkew });
const lifetime = (maxTokenLifetime: unknown) => ({ maxTokenLifetime });
const eventBytes = (value: unknown) => ({ limits: { eventBytes: value, ringBytes: '4Gi' } });
const origin = (text: unknown) => ({ cors: { origins: [text] } });
const cpu = (value: unknown) => ({ gateway: { resources: { limits: { cpu: value } } } });
const pods = (podTemplate: Fields) => ({ ingest: { podTemplate } });
const route = (fields: Fields) => ({ gateway: { route: { parentRefs: [{ name: 'g' }], ...fields } } });
const uri = (text: string) => ({ jwks: { uri: text } });
const keyRef = { name: 'ca', key: 'ca.crt' };

/** Where an API server's language and ours could come apart: grammars, bounds, defaults, what only a cluster asks for. */
const GUARD_EDGES: readonly Fields[] = [
  ...[
    'realm_access.roles',
    'a.b.c.d.e.f.g.h',
    'cognito:groups',
    'größe',
    '["https://x/y"].z',
    'a["b.c"].d',
  ].map(claim),
  ...['["a"]["b c"]', "it's", 'x'.repeat(256), 'x'.repeat(257)].map(claim),
  ...['', '.', '.a', 'a.', 'a b', 'a\u00a0b', 'a\u2028b', 'a\ufeffb', '\v', '["a"', '[""]', "['a']"].map(
    claim,
  ),
  ...['["a"]b', 'a.["b"]', '[0]', 'a[0]', '["a\nb"]', '["a\\b"]', '${a}', 'a.b.c.d.e.f.g.h.i'].map(claim),
  ...[
    '0s',
    '5m',
    '4m60s',
    '300000ms',
    '500ms10s',
    '5m1ms',
    '10',
    '10 s',
    '1.5m',
    '-1s',
    '1d',
    '1S',
    '10s\n',
  ].map(skew),
  ...['', 5, true, ['1s'], '1s'.repeat(17), '1000000000s'].map(skew),
  ...['1s', '8760h', '999ms', '8761h', '999999999h'].map(lifetime),
  ...['https://a.example', 'https://a.example:8443/x?y#z', 'HTTPS://A.example/', 'https://@a.example/'].map(
    uri,
  ),
  ...[
    'https://a.example/@x',
    'https://[2001:db8::1]/',
    'https://',
    'https:///x',
    '//a.example/',
    '/x',
    '',
  ].map(uri),
  ...['http://localhost/', 'https://localhost:8443', 'https://127.1.2.3/', 'https://[::1]:8443/'].map(uri),
  ...[
    'https://localhost.example.com/',
    'https://127.0.0.1.example.com/',
    `https://a.example/${'x'.repeat(2_048)}`,
  ].map(uri),
  { jwks: { uri: URI, caConfigMapKeyRef: keyRef } },
  { jwks: { configMapKeyRef: keyRef } },
  { jwks: { configMapKeyRef: keyRef, refreshInterval: '25h' } },
  { jwks: { uri: URI, inline: '{"keys":[{}]}', configMapKeyRef: keyRef } },
  { jwks: { inline: '{ "keys" : [ { "kty": "EC", "kid": "d" } ] }' } },
  { credentials: { header: false } },
  { credentials: { header: false, query: '', cookie: 'c' } },
  { credentials: { cookie: 'topic' } },
  { credentials: { query: 'a~b.c_d-e' } },
  { algorithms: ['ES256', 'ES256'] },
  { challenge: { leadTime: '1h', answer: 'Subject' } },
];

const GATEWAY_EDGES: readonly Fields[] = [
  ...['a$b{c}', 'orders.${sub}', '${a}${b}!', 't/${["https://x/}"].z}/u', '$${a}', 'a$', '$', '$$${a}$$'].map(
    topic,
  ),
  ...['😀'.repeat(256), '😀'.repeat(257)].map(topic),
  ...['${a', '${}', '${a}${', '${a b}', '${${a}}', '$${', '${a}}', '}', 'x'.repeat(256), 'x'.repeat(257)].map(
    topic,
  ),
  ...['/', '/a', '/a/', '/%c3%A4', '/a/..b', '/a/...', "/it's", '/..', '/.', '/a/./b', '/%zz', '/a\\b'].map(
    (path) => streamed({ path }),
  ),
  ...['read', 'orders:read', 'a"b', 'a\\b', '', 'ä', '~', '\x7f'].map((scope) =>
    streamed({ scopes: [scope] }),
  ),
  ...['a', 'a.b-c', 'A', '-a', 'a-', 'x'.repeat(253), 'x'.repeat(254)].map((name) =>
    streamed({ guardRefs: [{ name }] }),
  ),
  streamed({ scopes: ['a', 'a'] }),
  streamed({ public: true, guardRefs: [] }),
  streamed({ public: false }),
  ...[
    1_024,
    1_023,
    '1Ki',
    '1023',
    '16Mi',
    '16777217',
    '1M',
    '1.5Mi',
    -1,
    1.5,
    '',
    true,
    '999999999999999Gi',
  ].map(eventBytes),
  ...['1Gi', '0016Ki', '256 Ki', '256ki', '1e6', '-1Ki'].map(eventBytes),
  ...['100ms', '99ms', '11m'].map((retry) => ({ retry })),
  { limits: { ringBytes: '5Gi' } },
  { limits: { ringBytes: '512Ki' } },
  { limits: { ringBytes: '524287' } },
  { limits: { eventBytes: '4Ki', ringBytes: 65_536 } },
  { limits: { eventBytes: '40Ki', ringBytes: 65_536 } },
  { replay: { maxBytes: '1024Gi' } },
  { replay: { maxBytes: '1025Gi' } },
  { replay: { maxPerStream: 0, maxEvents: 100_000_000 } },
  { replay: { maxPerStream: 1_000_001 } },
  ...['*', 'https://a.example', 'https://a.example:8443', 'http://[::1]:3000', 'http://127.0.0.1:3000'].map(
    origin,
  ),
  ...['https://a.example:80', 'http://a.example:443', 'app://local', 'chrome-extension://abc'].map(origin),
  ...[
    'http://a.example:80',
    'https://',
    'https://a.example?x',
    'https://u@a.example',
    'HTTPS://a.example',
    '',
  ].map(origin),
  ...[
    'https://a_b.example',
    'https://ä.example',
    'app:local',
    'app://',
    'app://a/',
    'https://-a.example',
    7,
  ].map(origin),
  { cors: { origins: ['https://a.example', 'https://a.example'] } },
  { cors: { origins: [] } },
  ...[1, '1', '0.5', '500m', '1.5Gi', 0, -1, '-1', '1e3', '1 ', 'one', '1Ei', '', true, 0.5].map(cpu),
  pods({ labels: { '': 'x' } }),
  pods({ labels: { ['k'.repeat(317)]: 'x' } }),
  pods({ labels: { ['k'.repeat(318)]: 'x' } }),
  pods({ labels: { a: 'x'.repeat(64) } }),
  pods({ annotations: { a: 'x'.repeat(4_096) } }),
  pods({ tolerations: [{ operator: 'Exists' }, { operator: 'Exists' }] }),
  pods({ tolerations: [{ effect: 'Never' }] }),
  pods({ tolerations: [{ key: 'a\tb' }] }),
  pods({ imagePullSecrets: [{ name: 'a' }, { name: 'a' }] }),
  pods({ nodeSelektor: {} }),
  route({ hostnames: ['*.example.com', 'a.example.com'] }),
  route({ hostnames: ['A.example.com'] }),
  route({ hostnames: ['a.*.com'] }),
  route({ parentRefs: [] }),
  { gateway: { replicas: 0 } },
  { gateway: { replicas: 1_001 } },
  { gateway: { autoscaling: { maxReplicas: 2 } } },
  { gateway: { autoscaling: { maxReplicas: 1 } } },
  { gateway: { autoscaling: {} } },
  { gateway: { autoscaling: { maxReplicas: 3, cpuPercent: 101 } } },
  { tls: {} },
  { tls: { secretName: 'a/b' } },
  { redis: { urlSecretRef: keyRef, prefix: 'a\nb' } },
  { redis: { urlSecretRef: keyRef, waitReplicas: 9 } },
  { redis: { urlSecretRef: keyRef, tls: { clientSecretName: 'c', serverName: 'redis' } } },
  { redis: { urlSecretRef: { name: 'a' } } },
  { redis: undefined },
  { ingest: { auth: undefined } },
  { ingest: { auth: 'ClientCertificate' } },
  { ingest: { auth: 'ClientCertificate', tls: { secretName: 't' } } },
  { ingest: { auth: 'ClientCertificate', tls: { secretName: 't', clientCaConfigMapKeyRef: keyRef } } },
];

/** What is known to be judged differently; the reasons stand in `parity.test.ts`. */
const ODDITIES: readonly Sample[] = [
  {
    what: 'JwtGuard: inline keys that CEL cannot tell from a key set',
    document: guard({ jwks: { inline: '"keys": [{}]' } }),
  },
  {
    what: 'JwtGuard: an inline key set with a member d beside its keys',
    document: guard({ jwks: { inline: '{"keys":[{"kty":"RSA"}],"d":1}' } }),
  },
  {
    what: 'JwtGuard: a host that is loopback only once it is normalised',
    document: guard({ jwks: { uri: 'https://2130706433/' } }),
  },
  {
    what: 'EventGateway: an origin as no browser writes it, but in its characters',
    document: inCluster({ cors: { origins: ['https://[0:0:0:0:0:0:0:1]'] } }),
  },
];

export const SAMPLES: readonly Sample[] = [
  ...ODDITIES,
  ...[...VALID_GUARDS, ...INVALID_GUARDS].map(([what, spec]) => ({
    what: `JwtGuard: ${what}`,
    document: guard(spec),
  })),
  ...GUARD_EDGES.map((spec) => ({ what: `JwtGuard: ${shown(spec)}`, document: guard(spec) })),
  ...[...VALID_GATEWAYS, ...INVALID_GATEWAYS].map(([what, spec]) => ({
    what: `EventGateway: ${what}`,
    document: inCluster(spec),
  })),
  ...[`g${'-2'.repeat(24)}3`, `g${'-2'.repeat(25)}`, 'a.b', '2a', 'Ab'].map((name) => ({
    what: `EventGateway: the name ${name}`,
    document: Object.assign({}, inCluster(), { metadata: { name } }),
  })),
  ...GATEWAY_EDGES.map((spec) => ({ what: `EventGateway: ${shown(spec)}`, document: inCluster(spec) })),
];

/** A gateway that lacks nothing of what a cluster asks for, with these fields of its spec changed. */
export function inCluster(spec: Fields = {}): unknown {
  const redis = { urlSecretRef: { name: 'redis', key: 'url' } };
  const { ingest, ...rest } = spec;
  return gateway({ redis, ...rest, ingest: { auth: 'None', ...Object(ingest) } });
}

function shown(spec: Fields): string {
  const text = JSON.stringify(spec);
  return text.length > 100 ? `${text.slice(0, 60)}…${text.length}` : text;
}
