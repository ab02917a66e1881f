import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { customResourceDefinitions } from '../../src/config/crd.ts';
import type { StructuralSchema } from '../../src/config/structural-schema.ts';

// What schema.test.ts says of the spec holds of all that is published: the status too, and the document.
for (const { spec } of customResourceDefinitions()) {
  const nodes = spec.versions.flatMap(({ schema }) => [...walk(schema.openAPIV3Schema, '')]);

  describe(`the definition of ${spec.names.kind}`, () => {
    it('describes every field', () => {
      const bare = nodes.filter(
        ({ path, node }) => path !== '.metadata' && !/(\[\]|\{\})$/.test(path) && !node.description,
      );
      assert.deepEqual(paths(bare), []);
    });

    it('bounds every string, list, map and number', () => {
      const own = nodes.filter(({ path }) => path.startsWith('.spec') || path.startsWith('.status'));
      assert.deepEqual(paths(own.filter(({ node }) => !isBounded(node))), []);
    });

    it('says of every list whether it is applied as a whole, as a set or by a key', () => {
      const vague = nodes.filter(({ node }) => node.type === 'array' && !node['x-kubernetes-list-type']);
      assert.deepEqual(paths(vague), []);
    });

    it('requires the key of every list that is applied by one', () => {
      const keyless = nodes.filter(({ node }) => {
        const keys = node['x-kubernetes-list-map-keys'];
        return Array.isArray(keys) && !keys.every((key) => node.items?.required?.includes(key));
      });
      assert.deepEqual(paths(keyless), []);
    });
  });
}

interface Placed {
  readonly path: string;
  readonly node: StructuralSchema;
}

function* walk(node: StructuralSchema, path: string): Generator<Placed> {
  if (path !== '') yield { path, node };
  for (const [name, inner] of Object.entries(node.properties ?? {})) yield* walk(inner, `${path}.${name}`);
  if (node.items !== undefined) yield* walk(node.items, `${path}[]`);
  if (node.additionalProperties !== undefined) yield* walk(node.additionalProperties, `${path}{}`);
}

function paths(placed: readonly Placed[]): readonly string[] {
  return placed.map(({ path }) => path);
}

function isBounded(node: StructuralSchema): boolean {
  if (node['x-kubernetes-int-or-string'] === true) return node['x-kubernetes-validations'] !== undefined;
  switch (node.type) {
    case 'string':
      return node['maxLength'] !== undefined || node['enum'] !== undefined;
    case 'array':
      return node['maxItems'] !== undefined;
    case 'integer':
      return node['minimum'] !== undefined && node['maximum'] !== undefined;
    case 'object':
      return node.properties !== undefined || node['maxProperties'] !== undefined;
    default:
      return node.type === 'boolean';
  }
}
