import type { Command } from '../../src/core/terminal.ts';
import { checkCommand } from '../../src/roles/check.ts';
import { devCommand } from '../../src/roles/dev.ts';
import { gatewayCommand } from '../../src/roles/gateway.ts';
import { ingestCommand } from '../../src/roles/ingest.ts';
import { listenCommand } from '../../src/roles/listen.ts';
import { operatorCommand } from '../../src/roles/operator.ts';
import { tokenCommand } from '../../src/roles/token.ts';

export const COMMANDS: Readonly<Record<string, Command>> = {
  dev: devCommand,
  gateway: gatewayCommand,
  ingest: ingestCommand,
  operator: operatorCommand,
  token: tokenCommand,
  listen: listenCommand,
  check: checkCommand,
};

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
  const command = COMMANDS[name];
  if (command === undefined) return [`tidegate has no command "${name}"`];
  const known = new Set(command.usage.match(/--[a-z][-a-z]*/g) ?? []).add('--help');
  return args
    .map((arg) => arg.split('=', 1)[0] ?? '')
    .filter((flag) => flag.startsWith('--') && !known.has(flag))
    .map((flag) => `tidegate ${name} has no ${flag}`);
}
