// biome-ignore-all lint/suspicious/noTemplateCurlyInString: topics are templates
type Fields = Readonly<Record<string, unknown>>;
const stream = (fields: Fields) => ({ path: '/events', guardRefs: [{ name: 'example' }], ...fields });
const streams = (...each: readonly Fields[]) => ({ streams: each.map(stream) });
const open = (fields: Fields) => ({ streams: [{ path: '/events', public: true, ...fields }] });
const many = (amount: number) => Array.from({ length: amount }, (_, index) => `n${index}`);

const SEGMENT_RULE = 'spec.streams[0].path: must not hold empty or dot segments';
const ENCODING_RULE = 'spec.streams[0].path: must be written as in a URL, other characters percent-encoded';
const QUERY_RULE = 'spec.streams[0].path: must not hold a query or a fragment';
const TEMPLATE_RULE =
  'spec.streams[0].topics[0]: must hold claim paths in its placeholders, such as orders.${sub}';
const LINE_RULE = 'spec.streams[0].topics[0]: must be one line of text, without control characters';
const ORIGIN_RULE = 'spec.cors.origins[0]: must be an origin such as https://app.example.com, or "*"';

/** Fields of a spec that is otherwise the least one. */
export const VALID_GATEWAYS: readonly [string, Fields][] = [
  ['a path of every legal character', streams({ path: "/a-b.c_d~/!$&'()+,;=:@%C3%A4/" })],
  ['paths that differ by their last slash', streams({ path: '/a' }, { path: '/a/' })],
  ['logout tokens alone', { revocations: {} }],
  ['revocations over TLS', { revocations: { tls: { secretName: 'certificate' } } }],
  ['a credential for revocations', { revocations: { tokenSecretRef: { name: 'revoker', key: 'token' } } }],
  ['a public stream', open({ topics: ['news'] })],
  ['topics filled from the token', streams({ topics: ['orders.${sub}', '${["https://x/y"].z}'] })],
  ['sixty-four streams', streams(...many(64).map((name) => ({ path: `/${name}` })))],
  [
    'origins of web and app',
    { cors: { origins: ['https://a.example', 'http://localhost:3000', 'app://local'] } },
  ],
];

/** The same, with what is said of them. */
export const INVALID_GATEWAYS: readonly [string, Fields, ...string[]][] = [
  [
    'a credential in the open',
    { revocations: { token: 'x' } },
    'spec.revocations.token: unknown field "token"',
  ],
  [
    'a credential without a key',
    { revocations: { tokenSecretRef: { name: 'revoker' } } },
    'spec.revocations.tokenSecretRef.key: is required',
  ],
  [
    'a credential elsewhere',
    { revocations: { tokenSecretRef: { name: '..', key: 'token' } } },
    'spec.revocations.tokenSecretRef.name: must consist of letters, digits, "-", "_" and ".", and must not hold ".."',
  ],
  ['no streams', { streams: undefined }, 'spec.streams: is required'],
  ['empty streams', { streams: [] }, 'spec.streams: must have at least 1 entry'],
  [
    'sixty-five streams',
    streams(...many(65).map((name) => ({ path: `/${name}` }))),
    'spec.streams: must have at most 64 entries',
  ],
  ['no path', streams({ path: undefined }), 'spec.streams[0].path: is required'],
  ['a relative path', streams({ path: 'events' }), 'spec.streams[0].path: must begin with "/"'],
  ['an empty path', streams({ path: '' }), 'spec.streams[0].path: must begin with "/"'],
  ['a query', streams({ path: '/a?b' }), QUERY_RULE],
  ['a fragment', streams({ path: '/a#b' }), QUERY_RULE],
  [
    'a wildcard',
    streams({ path: '/a/*' }),
    'spec.streams[0].path: must not hold a wildcard, paths are exact',
  ],
  ['a space', streams({ path: '/a b' }), ENCODING_RULE],
  ['a bare percent sign', streams({ path: '/100%' }), ENCODING_RULE],
  ['an unencoded letter', streams({ path: '/ä' }), ENCODING_RULE],
  ['a line break', streams({ path: '/a\n' }), ENCODING_RULE],
  ['an empty segment', streams({ path: '/a//b' }), SEGMENT_RULE],
  ['a dot segment', streams({ path: '/a/../b' }), SEGMENT_RULE],
  ['a dot segment at the end', streams({ path: '/a/.' }), SEGMENT_RULE],
  [
    'a long path',
    streams({ path: `/${'a'.repeat(256)}` }),
    'spec.streams[0].path: must be at most 256 characters long',
  ],
  ['a path twice', streams({}, {}), 'spec.streams[1].path: is the path of an earlier stream already'],
  ['no topics', streams({ topics: [] }), 'spec.streams[0].topics: must have at least 1 entry'],
  ['too many topics', streams({ topics: many(33) }), 'spec.streams[0].topics: must have at most 32 entries'],
  ['a topic twice', streams({ topics: ['a', 'a'] }), 'spec.streams[0].topics[1]: is listed twice'],
  ['an empty topic', streams({ topics: [''] }), 'spec.streams[0].topics[0]: must not be empty'],
  ['CR in a topic', streams({ topics: ['a\rb'] }), LINE_RULE],
  ['LF in a topic', streams({ topics: ['a\nb'] }), LINE_RULE],
  ['NUL in a topic', streams({ topics: ['a\0b'] }), LINE_RULE],
  ['an open placeholder', streams({ topics: ['a${b'] }), TEMPLATE_RULE],
  ['an empty placeholder', streams({ topics: ['a${}'] }), TEMPLATE_RULE],
  [
    'neither guards nor public',
    streams({ guardRefs: undefined }),
    'spec.streams[0]: must have guardRefs, or public: true for everybody',
  ],
  [
    'no guards',
    streams({ guardRefs: [] }),
    'spec.streams[0]: must have guardRefs, or public: true for everybody',
  ],
  [
    'guards of a public stream',
    open({ guardRefs: [{ name: 'example' }] }),
    'spec.streams[0].guardRefs: must be absent when the stream is public',
  ],
  [
    'scopes of a public stream',
    open({ scopes: ['a'] }),
    'spec.streams[0].scopes: must be absent when the stream is public',
  ],
  [
    'a claim on a public stream',
    open({ topics: ['a', 'b.${sub}'] }),
    'spec.streams[0].topics[1]: must not use a claim, since the stream is public and has no token',
  ],
  [
    'a guard twice',
    streams({ guardRefs: [{ name: 'a' }, { name: 'a' }] }),
    'spec.streams[0].guardRefs[1].name: is listed twice',
  ],
  [
    'nine guards',
    streams({ guardRefs: many(9).map((name) => ({ name })) }),
    'spec.streams[0].guardRefs: must have at most 8 entries',
  ],
  [
    'a guard as a string',
    streams({ guardRefs: ['example'] }),
    'spec.streams[0].guardRefs[0]: must be a mapping',
  ],
  [
    'a name that Kubernetes would refuse',
    streams({ guardRefs: [{ name: 'My_Guard' }] }),
    'spec.streams[0].guardRefs[0].name: must be a Kubernetes name: lower-case letters, digits, "-" and "."',
  ],
  [
    'two scopes in one',
    streams({ scopes: ['a b'] }),
    'spec.streams[0].scopes[0]: must be a scope: printable ASCII without space, " and \\',
  ],
  [
    'a mistyped field of a stream',
    streams({ scope: [] }),
    'spec.streams[0].scope: unknown field "scope", did you mean "scopes"?',
  ],
  ['an origin with a path', { cors: { origins: ['https://a.example/'] } }, ORIGIN_RULE],
  ['an origin in capitals', { cors: { origins: ['https://A.example'] } }, ORIGIN_RULE],
  ['an origin with its default port', { cors: { origins: ['https://a.example:443'] } }, ORIGIN_RULE],
  ['an origin with a wildcard', { cors: { origins: ['https://*.example.com'] } }, ORIGIN_RULE],
  ['the opaque origin', { cors: { origins: ['null'] } }, ORIGIN_RULE],
  [
    'all origins and one more',
    { cors: { origins: ['*', 'https://a.example'] } },
    'spec.cors.origins: must be either "*" alone or a list of origins',
  ],
  ['a fast heartbeat', { heartbeat: '999ms' }, 'spec.heartbeat: must be at least 1s and at most 10m'],
  [
    'a fraction',
    { limits: { connections: 1.5 } },
    'spec.limits.connections: must be a whole number from 1 to 1000000',
  ],
  [
    'no connection',
    { limits: { connections: 0 } },
    'spec.limits.connections: must be a whole number from 1 to 1000000',
  ],
  [
    'a number as a string',
    { limits: { perSubject: '5' } },
    'spec.limits.perSubject: must be a whole number from 1 to 100000',
  ],
  [
    'a mistyped size',
    { limits: { eventBytes: '1MB' } },
    'spec.limits.eventBytes: must be a size such as 256Ki or a number of bytes',
  ],
  [
    'a size out of range',
    { limits: { eventBytes: 17 * 1024 ** 2 } },
    'spec.limits.eventBytes: must be at least 1Ki and at most 16Mi',
  ],
  [
    'a ring that holds no event',
    { limits: { eventBytes: '1Mi', ringBytes: '1Mi' } },
    'spec.limits.ringBytes: must be at least twice eventBytes',
  ],
  [
    'a drain without end',
    { drain: { window: '2h' } },
    'spec.drain.window: must be at least 0s and at most 1h',
  ],
  ['redis without a URL', { redis: {} }, 'spec.redis.urlSecretRef: is required'],
  [
    'a mistyped way to authenticate',
    { ingest: { auth: 'none' } },
    'spec.ingest.auth: must be one of None, ClientCertificate, did you mean "None"?',
  ],
  [
    'a range upside down',
    { gateway: { autoscaling: { minReplicas: 3, maxReplicas: 2 } } },
    'spec.gateway.autoscaling.maxReplicas: must not be less than minReplicas',
  ],
  [
    'a fraction that is no string',
    { gateway: { resources: { requests: { cpu: 0.5 } } } },
    'spec.gateway.resources.requests.cpu: must be a quantity such as 500m, "0.5" or 512Mi',
  ],
  [
    'too many labels',
    { gateway: { podTemplate: { labels: Object.fromEntries(many(65).map((name) => [name, ''])) } } },
    'spec.gateway.podTemplate.labels: must have at most 64 entries',
  ],
  [
    'a label that is a number',
    { ingest: { podTemplate: { labels: { 'a.b/c': 1 } } } },
    'spec.ingest.podTemplate.labels["a.b/c"]: must be a string',
  ],
];
