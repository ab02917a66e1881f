/** Where results are kept, and how they are read again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const RESULTS = join(import.meta.dirname, 'results');

export interface Result {
  readonly bench: string;
  readonly machine: string;
  readonly versions: string;
  readonly loadBefore: string;
  /** ISO 8601, the day. */
  readonly day: string;
  /** Markdown. */
  readonly text: string;
}

/** @returns `undefined` when the bench has left no result */
export function readResult(bench: string): (Result & { readonly samples: unknown }) | undefined {
  const file = join(RESULTS, `${bench}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
