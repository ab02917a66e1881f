import * as z from 'zod';
import type { InCluster } from './cluster-requirements.ts';

/** A part of `openAPIV3Schema`, in the structural form (all types given, no alternatives). */
export interface StructuralSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly additionalProperties?: StructuralSchema;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** What users may write, as Kubernetes wants it said. */
export function structural(schema: z.ZodType): StructuralSchema {
  return converted(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }));
}

/** Keywords that a structural schema takes as they are. */
const KEPT = [
  'description',
  'default',
  'enum',
  'format',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'required',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const;
/** What is said in another way, or by the API server itself: that unknown fields are refused. */
const DROPPED: ReadonlySet<string> = new Set([
  '$schema',
  'type',
  'properties',
  'items',
  'pattern',
  'propertyNames',
  'additionalProperties',
]);

function converted(node: z.core.JSONSchema.JSONSchema): StructuralSchema {
  const strange = Object.keys(node).filter((key) => !DROPPED.has(key) && !KEPT.some((kept) => kept === key));
  if (strange.length > 0) throw new TypeError(`no structural schema has ${strange.join(', ')}`);
  const kept = Object.fromEntries(KEPT.flatMap((key) => (node[key] === undefined ? [] : [[key, node[key]]])));
  const properties = node.properties === undefined ? undefined : mapped(node.properties);
  return {
    // An int-or-string has no type of its own.
    ...(typeof node.type === 'string' ? { type: node.type } : {}),
    ...kept,
    // An API server judges a default by the rules beside it before it fills in the defaults inside.
    ...(properties === undefined || node.default === undefined
      ? {}
      : { default: { ...defaultsOf(properties), ...Object(node.default) } }),
    // A rule says in words what the pattern beside it says in signs; both would be told.
    ...(node['x-kubernetes-validations'] === undefined && node.pattern !== undefined
      ? { pattern: node.pattern }
      : {}),
    ...(node.type === 'array' && node['x-kubernetes-list-type'] === undefined
      ? { 'x-kubernetes-list-type': 'atomic' }
      : {}),
    ...(properties === undefined ? {} : { properties }),
    ...(isSchema(node.items) ? { items: converted(node.items) } : {}),
    ...(isSchema(node.additionalProperties)
      ? { additionalProperties: converted(node.additionalProperties) }
      : {}),
  };
}

function defaultsOf(properties: Readonly<Record<string, StructuralSchema>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, node]) =>
      'default' in node ? [[name, node['default']]] : [],
    ),
  );
}

function mapped(properties: Readonly<Record<string, unknown>>): Record<string, StructuralSchema> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, node]) => (isSchema(node) ? [[name, converted(node)]] : [])),
  );
}

function isSchema(node: unknown): node is z.core.JSONSchema.JSONSchema {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The schema with what only a cluster asks for; every path of `inCluster` must lead somewhere. */
export function tightened(node: StructuralSchema, inCluster: InCluster): StructuralSchema {
  let result = node;
  for (const [path, more] of inCluster) {
    result = changedAt(result, path === '' ? [] : path.split('.'), (part) => {
      const { default: fallback, ...rest } = part;
      const earlier = part['x-kubernetes-validations'];
      const rules = [...(Array.isArray(earlier) ? earlier : []), ...(more.rules ?? [])];
      return {
        ...rest,
        ...(fallback === undefined || more.withoutDefault ? {} : { default: fallback }),
        ...(more.required === undefined ? {} : { required: [...(part.required ?? []), ...more.required] }),
        ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules }),
      };
    });
  }
  return result;
}

function changedAt(
  node: StructuralSchema,
  path: readonly string[],
  change: (node: StructuralSchema) => StructuralSchema,
): StructuralSchema {
  const [name, ...rest] = path;
  if (name === undefined) return change(node);
  const inner = node.properties?.[name];
  if (inner === undefined) throw new TypeError(`the schema has no field ${name}`);
  return { ...node, properties: { ...node.properties, [name]: changedAt(inner, rest, change) } };
}
