import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResource } from '../../src/config/resource.ts';
import { gateway, guard, rulesBroken } from './documents.ts';

type Fields = Readonly<Record<string, unknown>>;
const changed = (fields: Fields) => Object.assign({}, guard(), fields);

describe('parseResource', () => {
  it('gives a document of a file an identity that stays', () => {
    const found = parseResource(guard());
    assert.ok(found.ok);
    const { spec: _, ...identity } = found.value.document;
    assert.deepEqual(identity, { name: 'example', uid: 'file:example', generation: 1 });
  });

  it('reads what kubectl prints, and keeps namespace and uid of it', () => {
    const metadata = {
      name: 'example',
      namespace: 'live',
      uid: '0b6c3d5e-6f7a-4b8c-9d0e-1f2a3b4c5d6e',
      generation: 7,
      resourceVersion: '12345',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { a: 'b' },
      annotations: {},
      managedFields: [{ manager: 'kubectl' }],
    };
    const found = parseResource(changed({ metadata, status: { conditions: [] } }));
    assert.ok(found.ok);
    const { spec: _, ...identity } = found.value.document;
    assert.deepEqual(identity, { name: 'example', namespace: 'live', uid: metadata.uid, generation: 1 });
  });

  const VERSION_RULE = 'apiVersion: must be tidegate.dev/v1alpha1';
  const NAME_RULE = 'metadata.name: must be a Kubernetes name: lower-case letters, digits, "-" and "."';
  const invalid: readonly [string, unknown, ...string[]][] = [
    ['a scalar', 'text', ': must be a mapping'],
    ['a list', [], ': must be a mapping'],
    ['an empty mapping', {}, 'kind: is required: JwtGuard or EventGateway', 'apiVersion: is required'],
    [
      'a mistyped kind',
      changed({ kind: 'JwtGaurd' }),
      'kind: must be JwtGuard or EventGateway, did you mean "JwtGuard"?',
    ],
    [
      'another kind',
      changed({ kind: 'ConfigMap', apiVersion: 'v1' }),
      'kind: must be JwtGuard or EventGateway',
      VERSION_RULE,
    ],
    ['another version', changed({ apiVersion: 'tidegate.dev/v1' }), VERSION_RULE],
    ['no metadata', changed({ metadata: undefined }), 'metadata: is required'],
    ['no name', changed({ metadata: {} }), 'metadata.name: is required'],
    ['an illegal name', changed({ metadata: { name: '-a' } }), NAME_RULE],
    [
      'a gateway whose Services could not be named after it',
      Object.assign({}, gateway(), { metadata: { name: 'a'.repeat(51) } }),
      'metadata.name: must be at most 50 lower-case letters, digits and "-", beginning with a letter, since Services are named after it',
    ],
    [
      'a mistyped field of the metadata',
      changed({ metadata: { name: 'a', namspace: 'b' } }),
      'metadata.namspace: unknown field "namspace", did you mean "namespace"?',
    ],
    ['no spec', changed({ spec: undefined }), 'spec: is required'],
    ['a mistyped field', changed({ specs: {} }), 'specs: unknown field "specs", did you mean "spec"?'],
    [
      'a field that would change the prototype',
      JSON.parse(JSON.stringify(guard()).replace('"spec":{', '"spec":{"__proto__":{"issuer":"x"},')),
      'spec.__proto__: unknown field "__proto__"',
    ],
  ];
  for (const [what, value, ...rules] of invalid) {
    it(`refuses ${what}`, () => assert.deepEqual(rulesBroken(value), rules));
  }
});
