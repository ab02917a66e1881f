export const URI = 'https://auth.example.com/jwks.json';
const URI_RULE = 'spec.jwks.uri: must be an https URL without credentials (http only to a loopback host)';
const KEY_SET_RULE = 'spec.jwks.inline: must be a JWK set as JSON: {"keys": […]} with at least one key';
const SECRET_RULE = 'spec.jwks.inline: must hold public keys only, but one is private or symmetric';
const SOURCE_RULE = 'spec.jwks: must have exactly one of uri, inline, configMapKeyRef';
const PART_RULE = 'must consist of letters, digits, "-", "_" and ".", and must not hold ".."';
const PATH_RULE = 'must be a claim path such as realm_access.roles or ["https://api.example.com/roles"].list';
const ALGORITHMS = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA';
const LINE_RULE = 'must be one line of text, without control characters';
const PARAMETER_RULE = 'must consist of letters, digits, "-", ".", "_" and "~"';
const inline = (...keys: readonly unknown[]) => ({ jwks: { inline: JSON.stringify({ keys }) } });
const ref = (name: unknown, key: unknown) => ({ jwks: { configMapKeyRef: { name, key } } });

/** Fields of a spec that is otherwise the least one. */
export const VALID_GUARDS: readonly [string, Readonly<Record<string, unknown>>][] = [
  ['http to localhost', { jwks: { uri: 'http://localhost:8080/jwks' } }],
  ['http to 127.0.0.0/8', { jwks: { uri: 'http://127.0.0.2/jwks' } }],
  ['http to ::1', { jwks: { uri: 'http://[::1]/jwks' } }],
  ['inline keys', inline({ kty: 'RSA', n: 'AQAB', e: 'AQAB' })],
  ['a reference with all its characters', ref('A-z_0.9', '.jwks.json')],
  ['audiences of logout tokens', { logout: { audiences: ['client', 'other'] } }],
  ['sixteen audiences', { audiences: Array.from({ length: 16 }, (_, index) => `a${index}`) }],
];

/** The same, with what is said of them. */
export const INVALID_GUARDS: readonly [string, Readonly<Record<string, unknown>>, ...string[]][] = [
  ['no issuer', { issuer: undefined }, 'spec.issuer: is required'],
  ['an issuer of another type', { issuer: 5 }, 'spec.issuer: must be a string'],
  ['an empty issuer', { issuer: '' }, 'spec.issuer: must not be empty'],
  ['an issuer of two lines', { issuer: 'a\nb' }, `spec.issuer: ${LINE_RULE}`],
  ['a lone surrogate', { issuer: '\ud800' }, `spec.issuer: ${LINE_RULE}`],
  ['a long issuer', { issuer: 'x'.repeat(1025) }, 'spec.issuer: must be at most 1024 characters long'],
  ['no audiences', { audiences: undefined }, 'spec.audiences: is required'],
  ['empty audiences', { audiences: [] }, 'spec.audiences: must have at least 1 entry'],
  ['one audience as a string', { audiences: 'a' }, 'spec.audiences: must be a list'],
  ['an audience twice', { audiences: ['a', 'b', 'a'] }, 'spec.audiences[2]: is listed twice'],
  [
    'seventeen audiences',
    { audiences: Array.from({ length: 17 }, (_, index) => `a${index}`) },
    'spec.audiences: must have at most 16 entries',
  ],
  ['no jwks', { jwks: undefined }, 'spec.jwks: is required'],
  ['no source of keys', { jwks: {} }, SOURCE_RULE],
  ['two sources of keys', { jwks: { uri: URI, configMapKeyRef: { name: 'a', key: 'b' } } }, SOURCE_RULE],
  ['plain http', { jwks: { uri: 'http://auth.example.com/' } }, URI_RULE],
  [
    'http to a host that only looks like loopback',
    { jwks: { uri: 'http://127.0.0.1.example.com/' } },
    URI_RULE,
  ],
  ['another scheme', { jwks: { uri: 'file:///etc/passwd' } }, URI_RULE],
  ['credentials in the URL', { jwks: { uri: 'https://user:pass@auth.example.com/' } }, URI_RULE],
  ['no URL', { jwks: { uri: 'auth.example.com' } }, URI_RULE],
  ['inline keys that are no JSON', { jwks: { inline: '{' } }, KEY_SET_RULE],
  ['inline JSON that is no key set', { jwks: { inline: '[]' } }, KEY_SET_RULE],
  ['no inline keys', inline(), KEY_SET_RULE],
  ['an inline private key', inline({ kty: 'RSA' }, { kty: 'RSA', d: 'x' }), SECRET_RULE],
  ['an inline symmetric key', inline({ kty: 'oct', k: 'x' }), SECRET_RULE],
  [
    'too long inline keys',
    { jwks: { inline: `{"keys":[{}]}${' '.repeat(65_536)}` } },
    'spec.jwks.inline: must be at most 65536 characters long',
  ],
  ['a reference that climbs', ref('..', 'a'), `spec.jwks.configMapKeyRef.name: ${PART_RULE}`],
  ['a reference to the directory itself', ref('.', 'a'), `spec.jwks.configMapKeyRef.name: ${PART_RULE}`],
  ['a reference with a slash', ref('a', 'b/c'), `spec.jwks.configMapKeyRef.key: ${PART_RULE}`],
  ['a reference with two dots', ref('a', '..data'), `spec.jwks.configMapKeyRef.key: ${PART_RULE}`],
  [
    'a CA without a URL',
    { jwks: { ...ref('a', 'b').jwks, caConfigMapKeyRef: { name: 'a', key: 'b' } } },
    'spec.jwks.caConfigMapKeyRef: is of use only with uri',
  ],
  [
    'a symmetric algorithm',
    { algorithms: ['ES256', 'HS256'] },
    `spec.algorithms[1]: "HS256" is refused, only asymmetric signatures are accepted: ${ALGORITHMS}`,
  ],
  [
    'no algorithm by name',
    { algorithms: ['none'] },
    `spec.algorithms[0]: "none" is refused, only asymmetric signatures are accepted: ${ALGORITHMS}`,
  ],
  [
    'a mistyped algorithm',
    { algorithms: ['rs256'] },
    `spec.algorithms[0]: must be one of ${ALGORITHMS}, did you mean "RS256"?`,
  ],
  ['no algorithms', { algorithms: [] }, 'spec.algorithms: must have at least 1 entry'],
  ['a duration without unit', { clockSkew: 10 }, 'spec.clockSkew: must be a duration such as 10s'],
  ['too much skew', { clockSkew: '5m1s' }, 'spec.clockSkew: must be at least 0s and at most 5m'],
  ['an empty field', { clockSkew: null }, 'spec.clockSkew: must be a duration such as 10s'],
  [
    'a lifetime of nothing',
    { maxTokenLifetime: '0s' },
    'spec.maxTokenLifetime: must be at least 1s and at most 8760h',
  ],
  ['a claim path with a gap', { claims: { subject: 'a..b' } }, `spec.claims.subject: ${PATH_RULE}`],
  ['a bare URL as claim path', { claims: { scopes: 'https://x.y/z' } }, `spec.claims.scopes: ${PATH_RULE}`],
  [
    'no credential at all',
    { credentials: { header: false, query: '' } },
    'spec.credentials: must accept at least one of header, query, cookie',
  ],
  ['a word for true', { credentials: { header: 'yes' } }, 'spec.credentials.header: must be true or false'],
  ['a parameter to encode', { credentials: { query: 'a b' } }, `spec.credentials.query: ${PARAMETER_RULE}`],
  [
    "the stream's own parameter",
    { credentials: { query: 'lastEventId' } },
    'spec.credentials.query: must not be a parameter of the stream itself',
  ],
  ['an empty cookie', { credentials: { cookie: '' } }, 'spec.credentials.cookie: must not be empty'],
  [
    'a mistyped duration',
    { challenge: { leadTime: '10x' } },
    'spec.challenge.leadTime: must be a duration such as 10s',
  ],
  [
    'a lead time out of range',
    { challenge: { leadTime: '500ms' } },
    'spec.challenge.leadTime: must be at least 1s and at most 1h',
  ],
  [
    'a field in the wrong case',
    { challenge: { leadtime: '10s' } },
    'spec.challenge.leadtime: unknown field "leadtime", did you mean "leadTime"?',
  ],
  [
    'a mistyped choice',
    { challenge: { answer: 'subject' } },
    'spec.challenge.answer: must be one of Stream, Subject, did you mean "Subject"?',
  ],
  ['logout without audiences', { logout: {} }, 'spec.logout.audiences: is required'],
  [
    'no audiences of logout tokens',
    { logout: { audiences: [] } },
    'spec.logout.audiences: must have at least 1 entry',
  ],
  [
    'an audience of logout tokens twice',
    { logout: { audiences: ['a', 'a'] } },
    'spec.logout.audiences[1]: is listed twice',
  ],
  [
    'a mistyped field of logout',
    { logout: { audience: ['a'] } },
    'spec.logout.audiences: is required',
    'spec.logout.audience: unknown field "audience", did you mean "audiences"?',
  ],
  ['a list for a mapping', { challenge: [] }, 'spec.challenge: must be a mapping'],
  [
    'several faults at once',
    { issuer: '', chalenge: {}, zzzzzz: 1, jwks: { ur: URI } },
    'spec.issuer: must not be empty',
    'spec.jwks.ur: unknown field "ur", did you mean "uri"?',
    SOURCE_RULE,
    'spec.chalenge: unknown field "chalenge", did you mean "challenge"?',
    'spec.zzzzzz: unknown field "zzzzzz"',
  ],
];
