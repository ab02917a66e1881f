import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

export interface PageFile {
  readonly bytes: Buffer;
  /** The content type. */
  readonly type: string;
}

/** What is served, by path. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const DIRECTORY = join(import.meta.dirname, '..', 'page');

/** What the page imports and applications do: a package of its own in a checkout, among the page's files in a build. */
const CLIENT = join(import.meta.dirname, '..', '..', 'client', 'guarded-event-source.js');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the page's files, once: a request names one of these or nothing, so no path of the disk is ever built from it. */
export function readPageFiles(directory: string = DIRECTORY): PageFiles {
  const files = new Map<string, PageFile>();
  const paths = readdirSync(directory).map((name) => join(directory, name));
  for (const path of existsSync(CLIENT) ? [...paths, CLIENT] : paths) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const file = { bytes: readFileSync(path), type };
    files.set(`/${basename(path)}`, file);
    if (basename(path) === 'index.html') files.set('/', file);
  }
  return files;
}
