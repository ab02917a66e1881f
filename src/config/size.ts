import * as z from 'zod';
import { cel, celMatches } from './cel.ts';

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 };
const FORM = /^([0-9]{1,15})(Ki|Mi|Gi)?$/;
const SENTENCE = 'must be a size such as 256Ki or a number of bytes';

/** An integer, or `256Ki`, `64Mi`, `1Gi`, as bytes; `undefined` when `value` is not a size. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const parts = typeof value === 'string' ? FORM.exec(value) : null;
  if (parts === null) return undefined;
  const bytes = Number(parts[1]) * (UNIT_BYTES[parts[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * What Kubernetes calls int-or-string. A union would not do: a structural schema takes `anyOf` in this one form only,
 * which zod does not keep, so a generator of CRDs goes by the extension's name.
 */
export const INT_OR_STRING = { type: ['integer', 'string'], 'x-kubernetes-int-or-string': true } as const;

/** Schema of a size from `least` to `most`, both sizes themselves; the value is in bytes. */
export function size(least: string, most: string) {
  const leastBytes = bound(least);
  const mostBytes = bound(most);
  const sentence = `must be at least ${least} and at most ${most}`;
  return z
    .unknown()
    .meta({
      ...INT_OR_STRING,
      pattern: FORM.source,
      maxLength: 18,
      ...sizeRules(leastBytes, mostBytes, sentence),
    })
    .transform((value, context) => {
      const bytes = parseSize(value);
      if (bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes) return bytes;
      // More than can be counted is still a size.
      const message = bytes === undefined && !FORM.test(String(value)) ? SENTENCE : sentence;
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    });
}

/** The forms are those of a Kubernetes quantity too, of which it has more. */
function sizeRules(leastBytes: number, mostBytes: number, sentence: string) {
  const form = `(type(self) == int ? self >= 0 : ${celMatches(FORM, 'string(self)')})`;
  const within = `quantity(string(self)).compareTo(quantity('${leastBytes}')) >= 0 && quantity(string(self)).compareTo(quantity('${mostBytes}')) <= 0`;
  return cel({ rule: form, message: SENTENCE }, { rule: `!${form} || (${within})`, message: sentence });
}

function bound(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new TypeError(`${text} is not a size`);
  return bytes;
}
