import { parseTopicTemplate, type TopicTemplate } from '../config/topic-template.ts';
import { type Topic, topic } from '../core/brand.ts';
import { valueAt } from './claim-value.ts';
import type { JsonObject } from './json-object.ts';

const VALUE_CHARACTERS_MAX = 256;
/** Of one template; one whose lists make more is not granted at all, rather than in part. */
const TOPICS_MAX = 32;

/**
 * The topics that these claims grant: `orders.${sub}` is filled from the token, a list grants one topic for each of
 * its entries. A template whose claim is missing or unfit grants nothing. No topic comes twice.
 *
 * Values go in as they are, once, and are not looked at for placeholders again. What keeps one template's topics apart
 * from another's is the template's own text, so give each a prefix that no other topic begins with: `${group}` alone
 * lets the issuer name any topic, and with two claims in one template the issuer must keep the separator out of the first.
 */
export function fillTopics(templates: readonly string[], claims: JsonObject): readonly Topic[] {
  const filled = parsed(templates).flatMap((template) => fill(template, claims));
  return [...new Set(filled)].map(topic);
}

/** By the list as it is configured: it never changes, and its templates go with it. */
const known = new WeakMap<readonly string[], readonly TopicTemplate[]>();

function parsed(texts: readonly string[]): readonly TopicTemplate[] {
  let templates = known.get(texts);
  if (templates === undefined) {
    templates = texts.map((text) => parseTopicTemplate(text) ?? []);
    known.set(texts, templates);
  }
  return templates;
}

function fill(template: TopicTemplate, claims: JsonObject): readonly string[] {
  let texts: readonly string[] = template.length === 0 ? [] : [''];
  for (const part of template) {
    const values = typeof part === 'string' ? [part] : valuesOf(valueAt(claims, part.claim));
    if (texts.length * values.length > TOPICS_MAX) return [];
    texts = texts.flatMap((text) => values.map((value) => text + value));
  }
  return texts;
}

function valuesOf(claim: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.flatMap((value) => textOf(value) ?? []);
}

/** Integers beyond 2^53 have lost their last digits in JSON.parse: two users would share a topic. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  if (typeof value !== 'string' || value === '' || value.length > VALUE_CHARACTERS_MAX) return undefined;
  return /[\r\n\0]/.test(value) || !value.isWellFormed() ? undefined : value;
}
