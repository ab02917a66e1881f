import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../../src/core/terminal.ts';
import { ROOT } from './markdown.ts';

const EXPORTED = /^export const (([a-z]+)Command): Command/m;
/** Every command, by the word that calls it. */
const COMMANDS = new Map<string, Command>();
for (const file of globSync('src/roles/*.ts', { cwd: ROOT })) {
  const [, exported, name] = EXPORTED.exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
  if (exported !== undefined && name !== undefined) {
    COMMANDS.set(name, (await import(join(ROOT, file)))[exported]);
  }
}

/** `tidegate COMMAND …` where a command may stand, and in a checkout `npm run -s tidegate -- COMMAND …`. */
const CALL = /(?:npm run -s tidegate -- |(?:^|\$\(|[|;&'"(] ?)tidegate )([^\n|;&)'"]*)/gm;

/** Sub-commands and flags of ours that a shell text names and that do not exist. */
export function commandFaults(text: string): readonly string[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ');
  return Array.from(joined.matchAll(CALL), ([, words = '']) => callFaults(words.trim().split(/\s+/))).flat();
}

function callFaults([name = '', ...args]: readonly string[]): readonly string[] {
  if (name.startsWith('--'))
    return name === '--help' || name === '--version' ? [] : [`tidegate has no ${name}`];
  const command = COMMANDS.get(name);
  if (command === undefined) return [`tidegate has no command "${name}"`];
  const known = new Set(command.usage.match(/--[a-z][-a-z]*/g) ?? []).add('--help');
  return args
    .map((arg) => arg.split('=', 1)[0] ?? '')
    .filter((flag) => flag.startsWith('--') && !known.has(flag))
    .map((flag) => `tidegate ${name} has no ${flag}`);
}
