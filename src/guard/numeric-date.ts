/** The range of ECMAScript dates, in milliseconds on either side of the epoch. */
const EPOCH_MS_MAX = 8.64e15;

/**
 * NumericDate of RFC 7519, section 2: seconds since the epoch, which may have a fraction.
 *
 * @returns milliseconds, not yet rounded, or `undefined` when it is not a number or no date at all
 */
export function numericDateMs(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  const milliseconds = value * 1_000;
  return Math.abs(milliseconds) <= EPOCH_MS_MAX ? milliseconds : undefined;
}
