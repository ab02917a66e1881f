import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { eventGatewaySpec } from '../../src/config/event-gateway.ts';
import { jwtGuardSpec } from '../../src/config/jwt-guard.ts';

/** What a CustomResourceDefinition is generated from; the API server refuses what is not structural or has no bounds. */
const SCHEMAS = { JwtGuard: jwtGuardSpec, EventGateway: eventGatewaySpec };

for (const [kind, spec] of Object.entries(SCHEMAS)) {
  const nodes = [...walk(z.toJSONSchema(spec, { io: 'input', reused: 'inline' }), 'spec')];

  describe(`the JSON schema of ${kind}`, () => {
    it('describes every field', () => {
      const bare = nodes.filter(
        ({ path, node }) => !path.endsWith('[]') && !path.endsWith('{}') && !node.description,
      );
      assert.deepEqual(
        bare.map(({ path }) => path),
        [],
      );
    });

    it('is structural: every part has a type, none has alternatives', () => {
      const loose = nodes.filter(
        ({ node }) => !node.type || node.anyOf || node.oneOf || node.allOf || node.not,
      );
      assert.deepEqual(
        loose.map(({ path }) => path),
        [],
      );
    });

    it('bounds every string, list, map and number', () => {
      const unbounded = nodes.filter(({ node }) => !isBounded(node));
      assert.deepEqual(
        unbounded.map(({ path }) => path),
        [],
      );
    });

    it('closes every object', () => {
      const ajar = nodes.filter(
        ({ node }) => node.properties !== undefined && node.additionalProperties !== false,
      );
      assert.deepEqual(
        ajar.map(({ path }) => path),
        [],
      );
    });

    it('has patterns that Kubernetes can compile (RE2 has no look-around and no back-references)', () => {
      const exotic = nodes.filter(({ node }) => /\(\?|\\[1-9]/.test(node.pattern ?? ''));
      assert.deepEqual(
        exotic.map(({ path }) => path),
        [],
      );
    });
  });
}

type Node = z.core.JSONSchema.JSONSchema;

function* walk(node: Node, path: string): Generator<{ readonly path: string; readonly node: Node }> {
  yield { path, node };
  for (const [name, value] of Object.entries(node.properties ?? {})) {
    if (typeof value === 'object') yield* walk(value, `${path}.${name}`);
  }
  if (typeof node.items === 'object' && !Array.isArray(node.items)) yield* walk(node.items, `${path}[]`);
  if (typeof node.additionalProperties === 'object') yield* walk(node.additionalProperties, `${path}{}`);
}

function isBounded(node: Node): boolean {
  if (node['x-kubernetes-int-or-string'] === true) return node.maxLength !== undefined;
  switch (node.type) {
    case 'string':
      return node.maxLength !== undefined || node.enum !== undefined;
    case 'array':
      return node.maxItems !== undefined;
    case 'integer':
      return node.minimum !== undefined && node.maximum !== undefined;
    case 'object':
      return node.properties !== undefined || node.maxProperties !== undefined;
    default:
      return node.type === 'boolean';
  }
}
