import * as z from 'zod';
import { rule } from './validate.ts';

/** A string that may be compared, logged or put into a header as it is: one line, no NUL, no lone surrogate. */
export function line(charactersMax: number) {
  return z
    .string()
    .min(1)
    .max(charactersMax)
    .refine(isLine, rule('must be one line of text, without control characters'));
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
    .record(z.string().min(1).max(317), z.string().max(valueCharactersMax))
    .refine(
      (record) => Object.keys(record).length <= entriesMax,
      rule(`must have at most ${entriesMax} entries`),
    )
    .meta({ maxProperties: entriesMax });
}

const CONTROL = /\p{Cc}/u;

function isLine(text: string): boolean {
  return text.isWellFormed() && !CONTROL.test(text);
}
