import * as z from 'zod';
import { type CelRule, cel, celMatches } from './cel.ts';
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

const GATEWAY_NAME_CHARACTERS_MAX = 50;
/** RFC 1035: what a Service may be called, with room for `-gateway`. */
const GATEWAY_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const GATEWAY_NAME_SENTENCE = `must be at most ${GATEWAY_NAME_CHARACTERS_MAX} lower-case letters, digits and "-", beginning with a letter, since Services are named after it`;

/** The name of an EventGateway. */
export function gatewayName() {
  const sentence = rule(GATEWAY_NAME_SENTENCE);
  return z
    .string()
    .regex(GATEWAY_NAME, { ...sentence, abort: true })
    .max(GATEWAY_NAME_CHARACTERS_MAX, sentence);
}

/** The same of a whole EventGateway: of metadata, a CRD can say something only at its root. */
export const GATEWAY_NAME_RULE: CelRule = {
  rule: `self.metadata.name.size() <= ${GATEWAY_NAME_CHARACTERS_MAX} && ${celMatches(GATEWAY_NAME, 'self.metadata.name')}`,
  message: `metadata.name ${GATEWAY_NAME_SENTENCE}`,
};

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
