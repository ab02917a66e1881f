import * as z from 'zod';
import { cel, celMatches } from './cel.ts';
import { rule } from './validate.ts';

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
// As a Kubernetes API server checks it too, so without look-ahead (RE2).
const FORM = /^([0-9]{1,9}(ms|s|m|h))+$/;
const PART = /([0-9]+)(ms|s|m|h)/g;
const TEXT_CHARACTERS_MAX = 32;
const SENTENCE = 'must be a duration such as 10s';

/** `500ms`, `10s`, `5m`, `1h30m` as integer milliseconds; `undefined` when `text` is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text.length > TEXT_CHARACTERS_MAX || !FORM.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    milliseconds += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return milliseconds;
}

/** Shortest text that reads back as the same number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text === '' ? '0s' : text;
}

/** Schema of a duration from `least` to `most`, both durations themselves; the value is in milliseconds. */
export function duration(least: string, most: string) {
  const leastMs = bound(least);
  const mostMs = bound(most);
  const sentence = `must be at least ${least} and at most ${most}`;
  const [form, at] = [celMatches(FORM), 'duration(self)'];
  const range = `${at} >= duration('${least}') && ${at} <= duration('${most}')`;
  return z
    .string(rule(SENTENCE))
    .max(TEXT_CHARACTERS_MAX, rule(SENTENCE))
    .regex(FORM, { ...rule(SENTENCE), abort: true })
    .meta(cel({ rule: form, message: SENTENCE }, { rule: `!${form} || ${range}`, message: sentence }))
    .transform((text, context) => {
      const milliseconds = parseDuration(text) ?? Number.NaN;
      if (milliseconds >= leastMs && milliseconds <= mostMs) return milliseconds;
      context.issues.push({ code: 'custom', message: sentence, input: text });
      return z.NEVER;
    });
}

function bound(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new TypeError(`${text} is not a duration`);
  return milliseconds;
}
