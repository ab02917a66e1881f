import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseConfiguration } from '../../src/config/configuration.ts';
import { faultText } from '../../src/config/fault.ts';

const GUARD = `apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: example }
spec:
  issuer: https://auth.example.com
  audiences: [https://api.example.com]
  jwks: { uri: https://auth.example.com/jwks.json }
`;
const GATEWAY = `apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: local }
spec:
  streams:
    - path: /events
      guardRefs:
        - name: example
`;
const BOTH = `${GUARD}---\n${GATEWAY}`;

function faultsOf(text: string): readonly string[] {
  const parsed = parseConfiguration(text, 'f.yaml');
  return parsed.ok ? [] : parsed.faults.map(faultText);
}

describe('parseConfiguration', () => {
  it('gives the gateway and its guards by name', () => {
    const parsed = parseConfiguration(
      `${BOTH}---\n${GUARD.replace('{ name: example }', '{ name: other }')}`,
      'f',
    );
    assert.ok(parsed.ok);
    const { gateway, guards } = parsed.configuration;
    assert.deepEqual([gateway.name, gateway.uid, gateway.generation], ['local', 'file:local', 1]);
    assert.deepEqual([...guards.keys()], ['example', 'other']);
    assert.equal(guards.get('example')?.spec.issuer, 'https://auth.example.com');
  });

  it('leaves out the guards of other namespaces', () => {
    const elsewhere = GUARD.replace('{ name: example }', '{ name: example, namespace: elsewhere }');
    const parsed = parseConfiguration(`${BOTH}---\n${elsewhere}`, 'f');
    assert.ok(parsed.ok);
    assert.equal(parsed.configuration.guards.get('example')?.namespace, undefined);
    assert.equal(parsed.configuration.guards.size, 1);
  });

  it('reads the example that comes with the project', () => {
    const file = 'examples/local.yaml';
    const parsed = parseConfiguration(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'), file);
    assert.deepEqual(parsed.ok ? [] : parsed.faults.map(faultText), []);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.configuration.guards.get('example')?.spec.challenge, {
      leadTime: 10_000,
      answer: 'Subject',
    });
  });

  const valid: readonly [string, string][] = [
    ['empty documents', `---\n---\n# nothing\n---\n${BOTH}---\n...\n`],
    ['a byte order mark', `\ufeff${BOTH}`],
    ['CRLF', BOTH.replaceAll('\n', '\r\n')],
    ['anchors', BOTH.replace('issuer: ', 'issuer: &i ').replace('---', 'status: *i\n---')],
    [
      'JSON',
      `{"apiVersion":"tidegate.dev/v1alpha1","kind":"EventGateway","metadata":{"name":"local"},
      "spec":{"streams":[{"path":"/events","guardRefs":[{"name":"example"}]}]}}\n---\n${GUARD}`,
    ],
  ];
  for (const [what, text] of valid) {
    it(`accepts ${what}`, () => assert.deepEqual(faultsOf(text), []));
  }

  const NO_GATEWAY = 'f.yaml: must hold exactly one EventGateway, but has none';
  const ALIAS_RULE = 'must hold only aliases of anchors before them, standing for at most 100 parts';
  const invalid: readonly [string, string, ...string[]][] = [
    ['nothing', '', NO_GATEWAY],
    ['only comments', '# later\n', NO_GATEWAY],
    ['only guards', GUARD, NO_GATEWAY],
    [
      'two gateways',
      `${BOTH}---\n${GATEWAY.replace('local', 'second')}`,
      'f.yaml:19 kind: must be the only EventGateway, but the first is at line 9',
    ],
    [
      'a guard twice',
      `${BOTH}---\n${GUARD}`,
      'f.yaml:20 metadata.name: JwtGuard "example" is already at f.yaml:3',
    ],
    [
      'a guard that is not there',
      BOTH.replace('- name: example', '- name: exmaple'),
      'f.yaml:16 spec.streams[0].guardRefs[0].name: there is no JwtGuard "exmaple", did you mean "example"?',
    ],
    [
      'a guard that is in another namespace',
      BOTH.replace('{ name: local }', '{ name: local, namespace: live }'),
      'f.yaml:16 spec.streams[0].guardRefs[0].name: there is no JwtGuard "example" in namespace "live"',
    ],
    [
      'two guards of a stream with one issuer',
      `${BOTH}        - name: twin\n---\n${GUARD.replace('example }', 'twin }')}`,
      'f.yaml:17 spec.streams[0].guardRefs[1].name: ' +
        'has the same issuer as "example", but the guards of a stream are told apart by issuer',
    ],
    [
      'a cookie read by pages of any origin',
      BOTH.replace('spec:', 'spec:\n  credentials: { cookie: session }'),
      'f.yaml:13 spec.cors.origins: must list origins instead of "*", since JwtGuard "example" accepts a cookie',
    ],
    [
      'faults of several documents, a missing guard among them, by line',
      `${BOTH}        - name: missing\n  heartbeat: 1\n`.replace('issuer:', 'isuer:'),
      'f.yaml:4 spec.issuer: is required',
      'f.yaml:5 spec.isuer: unknown field "isuer", did you mean "issuer"?',
      'f.yaml:17 spec.streams[0].guardRefs[1].name: there is no JwtGuard "missing"',
      'f.yaml:18 spec.heartbeat: must be a duration such as 10s',
    ],
    [
      'faults, at the line of the field and not of what is around it',
      `${GUARD.replace('{ uri: https://auth.example.com/jwks.json }', '\n    uri:\n      ftp://x')}---\n${GATEWAY}`,
      'f.yaml:8 spec.jwks.uri: must be an https URL without credentials (http only to a loopback host)',
    ],
    [
      'a mistyped kind, and then says of no guard that it is missing',
      BOTH.replace('JwtGuard', 'JwtGaurd'),
      'f.yaml:2 kind: must be JwtGuard or EventGateway, did you mean "JwtGuard"?',
    ],
    ['no name', BOTH.replace('{ name: example }', '{}'), 'f.yaml:3 metadata.name: is required'],
    [
      'a field twice',
      BOTH.replace('spec:', 'kind: JwtGuard\nspec:').replace('  issuer:', '  issuer: x\n  issuer:'),
      'f.yaml:4 kind: duplicate field "kind"',
      'f.yaml:7 spec.issuer: duplicate field "issuer"',
    ],
    [
      'a field twice, and what else is wrong',
      BOTH.replace('spec:', 'kind: JwtGuard\nspec:').replace('  audiences:', '  audience:'),
      'f.yaml:4 kind: duplicate field "kind"',
      'f.yaml:5 spec.audiences: is required',
      'f.yaml:7 spec.audience: unknown field "audience", did you mean "audiences"?',
    ],
    [
      'YAML that is none, in one document of two',
      BOTH.replace('[https://api.example.com]', '[https://api.example.com'),
      'f.yaml:7: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a tab as indentation',
      BOTH.replace('  issuer', '\tissuer'),
      'f.yaml:5: is not valid YAML: Tabs are not allowed as indentation',
    ],
    ['a tag', BOTH.replace('issuer: ', 'issuer: !env '), 'f.yaml:5: is not valid YAML: Unresolved tag: !env'],
    [
      'a key that is a list',
      BOTH.replace('issuer: ', '? [a]\n  : '),
      'f.yaml:5: is not valid YAML: With stringKeys, all keys must be strings',
    ],
    ['an alias of nothing', BOTH.replace('example }', '*nobody }'), `f.yaml:1: ${ALIAS_RULE}`],
    [
      'an alias bomb',
      `${BOTH}---\na: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n` +
        'c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c]\n',
      `f.yaml:18: ${ALIAS_RULE}`,
    ],
    [
      'an alias of what it stands in',
      BOTH.replace('spec:\n  issuer: https://auth.example.com', 'spec: &s\n  issuer: *s'),
      'f.yaml:5 spec.issuer: must be a string',
    ],
    [
      'a deep document',
      `${BOTH}---\na: ${'['.repeat(40)}${']'.repeat(40)}\n`,
      'f.yaml:18: is nested deeper than 32 levels',
    ],
    [
      'a bottomless document',
      `${BOTH}---\na: ${'['.repeat(20_000)}\n`,
      'f.yaml:18: is nested deeper than 32 levels',
    ],
    ['a thousand documents and one', 'a: 1\n---\n'.repeat(1_001), 'f.yaml: must hold at most 1000 documents'],
  ];
  for (const [what, text, ...faults] of invalid) {
    it(`refuses ${what}`, () => assert.deepEqual(faultsOf(text), faults));
  }

  it('accepts the guard of a stream with a cookie when origins are listed', () => {
    const text = BOTH.replace('spec:', 'spec:\n  credentials: { cookie: session }');
    assert.deepEqual(faultsOf(`${text}  cors: { origins: [https://app.example.com] }\n`), []);
  });
});
