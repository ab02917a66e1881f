import * as z from 'zod';
import { cel, celMatches } from './cel.ts';
import type { DeepReadonly } from './deep-readonly.ts';
import { rule } from './validate.ts';

/** What a name of an object, or of a key in it, may hold when it becomes part of a file's path. */
const PART = /^[-._a-zA-Z0-9]+$/;
const PART_CHARACTERS_MAX = 253;
const OBJECT_NAME = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;

/** Whether `SECRETS_DIR/part` stays inside `SECRETS_DIR`; Kubernetes allows no such key that would not. */
export function isReferencePart(part: string): boolean {
  return part.length <= PART_CHARACTERS_MAX && PART.test(part) && part !== '.' && !part.includes('..');
}

export function referencePart() {
  const message = 'must consist of letters, digits, "-", "_" and ".", and must not hold ".."';
  const sentence = rule(message);
  return z
    .string()
    .min(1)
    .max(PART_CHARACTERS_MAX)
    .regex(PART, { ...sentence, abort: true })
    .refine(isReferencePart, sentence)
    .meta(cel({ rule: `${celMatches(PART)} && self != '.' && !self.contains('..')`, message }));
}

/** One key of a ConfigMap or Secret of the same namespace; in file mode the file `SECRETS_DIR/NAME/KEY`. */
export function keyRef(what: string) {
  return z
    .strictObject({
      name: referencePart().describe(`Name of the ${what}.`),
      key: referencePart().describe(`Key in the ${what}.`),
    })
    .describe(`A key of a ${what} in the same namespace; in file mode the file SECRETS_DIR/NAME/KEY.`);
}

export type KeyRef = DeepReadonly<z.output<ReturnType<typeof keyRef>>>;

/** The name of a Kubernetes object (RFC 1123 subdomain). */
export function objectName() {
  const message = 'must be a Kubernetes name: lower-case letters, digits, "-" and "."';
  return z
    .string()
    .min(1)
    .max(253)
    .regex(OBJECT_NAME, rule(message))
    .meta(cel({ rule: celMatches(OBJECT_NAME), message }));
}
