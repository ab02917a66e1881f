import type { Figures } from './sample.ts';

const MiB = 1024 * 1024;

/** By how much the figure of the last window may lie above that of the first: whichever is more. */
interface Allowance {
  readonly share: number;
  readonly absolute: number;
}

/**
 * What the program keeps shows in the heap after a collection, and there a hundred bytes a stream are seen within an
 * hour. Resident pages also come and go with the young generation and the allocator, by tens of mebibytes: few samples
 * of them prove little.
 */
const ALLOWANCES: Readonly<Record<string, Allowance>> = {
  rss: { share: 0.1, absolute: 12 * MiB },
  heapUsed: { share: 0.05, absolute: 1 * MiB },
  external: { share: 0.05, absolute: 2 * MiB },
  arrayBuffers: { share: 0.05, absolute: 2 * MiB },
};
const RSS_OF_FEW: Allowance = { share: 0.25, absolute: 64 * MiB };
const FEW = 20;
/** A timer or socket more may be under way when one looks; a cache holds what it holds. */
const COUNT: Allowance = { share: 0.05, absolute: 3 };

export interface Row {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly allowed: number;
  readonly flat: boolean;
}

/**
 * The medians of two windows, figure by figure; of resident pages the peaks, since those rise in steps to a mark where they
 * stay, and a median tells only how much of a window lay before the step. One that occurs in only one of them counts as 0
 * in the other.
 */
export function compare(first: readonly Figures[], last: readonly Figures[]): readonly Row[] {
  if (first.length === 0 || last.length === 0) throw new TypeError('a window without samples shows nothing');
  const names = new Set([...first, ...last].flatMap(Object.keys));
  return Array.from(names, (name) => {
    const few = name === 'rss' && Math.min(first.length, last.length) < FEW;
    const { share, absolute } = few ? RSS_OF_FEW : (ALLOWANCES[name] ?? COUNT);
    const figure = name === 'rss' ? peak : median;
    const [from, to] = [figure(first, name), figure(last, name)];
    const allowed = from + Math.max(from * share, absolute);
    return { name, first: from, last: to, allowed, flat: to <= allowed };
  });
}

/** A table for a terminal. */
export function table(title: string, rows: readonly Row[]): string {
  const text = (name: string, value: number): string =>
    name in ALLOWANCES ? `${(value / MiB).toFixed(1)} MiB` : String(Math.floor(value));
  const cells = [
    [title, 'first', 'last', 'allowed', ''],
    ...rows.map(({ name, first, last, allowed, flat }) => [
      name,
      ...[first, last, allowed].map((value) => text(name, value)),
      flat ? 'flat' : 'NOT FLAT',
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === 4
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function median(window: readonly Figures[], name: string): number {
  const values = window.map((figures) => figures[name] ?? 0).toSorted((a, b) => a - b);
  return values[Math.floor((values.length - 1) / 2)] ?? 0;
}

function peak(window: readonly Figures[], name: string): number {
  return Math.max(...window.map((figures) => figures[name] ?? 0));
}
