import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

export interface PageFile {
  readonly bytes: Buffer;
  /** The content type. */
  readonly type: string;
}

/** What is served, by path. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const DIRECTORY = join(import.meta.dirname, '..', 'page');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the page's files, once: a request names one of these or nothing, so no path of the disk is ever built from it. */
export function readPageFiles(directory: string = DIRECTORY): PageFiles {
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(directory)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const file = { bytes: readFileSync(join(directory, name)), type };
    files.set(`/${name}`, file);
    if (name === 'index.html') files.set('/', file);
  }
  return files;
}
