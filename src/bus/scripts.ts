import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script, which Redis runs as one step. */
export interface Script {
  readonly lua: string;
  /** SHA-1, by which a loaded one is called. */
  readonly sha: string;
}

const WITNESS = read('witness');

export const APPEND = script(read('append'));
export const FENCE = script(WITNESS + read('fence'));
export const PROBE = script(WITNESS + read('probe'));
export const REVOKE = script(read('revoke'));
export const TRIM = script(read('trim'));

export const SCRIPTS: readonly Script[] = [APPEND, FENCE, PROBE, TRIM];

function read(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
