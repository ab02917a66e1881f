import { readFileSync } from 'node:fs';

/** Of package.json, the one place where it stands. */
export const version: string = read();

function read(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown';
}
