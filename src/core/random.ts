/** A number in [0, 1); comes in by parameter where a test must fix it. Not for secrets. */
export type Random = () => number;

/** `value` ± `fraction`, evenly spread. */
export function jitter(value: number, fraction: number, random: Random): number {
  return value * (1 - fraction + 2 * fraction * random());
}
