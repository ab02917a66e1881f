/** What the benches make of their samples, and how they write it down. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value that at least this share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `median (least–most)`; nothing when there is no value. */
export function spread(values: readonly number[], digits = 0): string {
  if (!values.some(Number.isFinite)) return '';
  return `${shown(median(values), digits)} (${shown(Math.min(...values), digits)}–${shown(Math.max(...values), digits)})`;
}

export function shown(value: number, digits = 0): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export type Row = readonly (string | number)[];

export function table(head: Row, rows: readonly Row[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
