import * as z from 'zod';
import { NAME_CHARACTERS_MAX, type Path } from './fault.ts';
import { didYouMean } from './nearest.ts';

/** What a value breaks, and where inside it. */
export interface Violation {
  readonly path: Path;
  readonly rule: string;
}

export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly violations: readonly Violation[] };

/** Judges an unknown value by a schema; every violation is told once, in our words instead of the library's. */
export function validate<S extends z.ZodType>(schema: S, value: unknown): Validated<z.output<S>> {
  const result = schema.safeParse(value, { error: wording });
  if (result.success) return { ok: true, value: result.data };
  const found = result.error.issues.flatMap((issue) => violationsOf(issue, schema));
  return { ok: false, violations: [...new Map(found.map((each) => [JSON.stringify(each), each])).values()] };
}

/** A schema's own sentence for whatever is wrong with the value, except its absence. */
export function rule(sentence: string): { error: (issue: { input?: unknown }) => string | undefined } {
  return { error: (issue) => (issue.input === undefined ? undefined : sentence) };
}

function violationsOf(issue: z.core.$ZodIssue, schema: z.ZodType): Violation[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, rule: issue.message }];
  const known = fieldsAt(schema, issue.path);
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    rule: `unknown field ${JSON.stringify(key.slice(0, NAME_CHARACTERS_MAX))}${didYouMean(key, known)}`,
  }));
}

const jsonSchemas = new WeakMap<z.ZodType, z.core.JSONSchema.JSONSchema>();

/** The names that the schema knows at a path, read from the same JSON schema that is published as the CRD's. */
function fieldsAt(schema: z.ZodType, path: Path): readonly string[] {
  let at = jsonSchemas.get(schema);
  if (at === undefined) {
    at = z.toJSONSchema(schema, { io: 'input', reused: 'inline' });
    jsonSchemas.set(schema, at);
  }
  for (const step of path) {
    const next: unknown = typeof step === 'number' ? at.items : at.properties?.[String(step)];
    if (!isJsonSchema(next)) return [];
    at = next;
  }
  return Object.keys(at.properties ?? {});
}

function isJsonSchema(value: unknown): value is z.core.JSONSchema.JSONSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'string'
        ? 'must not be empty'
        : `must have at least ${count(issue.minimum, 'entry', 'entries')}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must be at most ${count(issue.maximum, 'character', 'characters')} long`
        : `must have at most ${count(issue.maximum, 'entry', 'entries')}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      if (values.length === 1) return `must be ${values[0]}`;
      const meant = typeof issue.input === 'string' ? didYouMean(issue.input, values) : '';
      return `must be one of ${values.join(', ')}${meant}`;
    }
    default:
      return undefined;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function count(amount: unknown, one: string, several: string): string {
  return `${String(amount)} ${amount === 1 ? one : several}`;
}
