import * as z from 'zod';
import { type CelRule, cel } from './cel.ts';
import { rule } from './validate.ts';

const LINE_SENTENCE = 'must be one line of text, without control characters';
export const LINE_RULE: CelRule = { rule: "!self.matches(r'\\p{Cc}')", message: LINE_SENTENCE };
const KEY_CHARACTERS_MAX = 317;

/** A string that may be compared, logged or put into a header as it is: one line, no NUL, no lone surrogate. */
export function line(charactersMax: number) {
  return z.string().min(1).max(charactersMax).refine(isLine, rule(LINE_SENTENCE)).meta(cel(LINE_RULE));
}

export function integer(least: number, most: number) {
  const sentence = rule(`must be a whole number from ${least} to ${most}`);
  return z.int(sentence).min(least, sentence).max(most, sentence);
}

/** No two entries alike; told at the later one. `tail` leads from the entry to what is compared. */
export function distinct<T>(sentence: string, keyOf: (entry: T) => string, tail: readonly string[] = []) {
  return ({ value, issues }: z.core.ParsePayload<readonly T[]>): void => {
    const seen = new Set<string>();
    for (const [index, entry] of value.entries()) {
      const key = keyOf(entry);
      if (seen.has(key)) {
        issues.push({
          code: 'custom',
          message: sentence,
          path: [index, ...tail],
          input: key,
          continue: true,
        });
      }
      seen.add(key);
    }
  };
}

/** A map of short strings, as Kubernetes has them everywhere. */
export function strings(entriesMax: number, valueCharactersMax: number) {
  return z
    .record(z.string().min(1).max(KEY_CHARACTERS_MAX), z.string().max(valueCharactersMax))
    .refine(
      (record) => Object.keys(record).length <= entriesMax,
      rule(`must have at most ${entriesMax} entries`),
    )
    .meta({
      maxProperties: entriesMax,
      ...cel({
        rule: `self.all(key, key.size() >= 1 && key.size() <= ${KEY_CHARACTERS_MAX})`,
        message: `must have keys of 1 to ${KEY_CHARACTERS_MAX} characters`,
      }),
    });
}

const CONTROL = /\p{Cc}/u;

function isLine(text: string): boolean {
  return text.isWellFormed() && !CONTROL.test(text);
}
