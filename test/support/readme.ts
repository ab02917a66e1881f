import assert from 'node:assert/strict';

/** The README as a test uses it. */
export interface Readme {
  /** Blocks of shell commands. */
  readonly commands: readonly string[];
  /** What they print, in order. */
  readonly shown: readonly string[];
  /** First words of the tables' rows: commands. */
  readonly table: readonly string[];
  /** Files of the project. */
  readonly links: readonly string[];
}

export function parseReadme(text: string): Readme {
  const blocks = Array.from(text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm), ([, kind, body = '']) => ({
    kind,
    body,
  }));
  return {
    commands: blocks.filter(({ kind }) => kind === 'sh').map(({ body }) => body.trimEnd()),
    shown: blocks.filter(({ kind }) => kind !== 'sh').map(({ body }) => body),
    table: Array.from(text.matchAll(/^\| `([a-z]+)/gm), ([, name = '']) => name),
    links: Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)\)/g), ([, file = '']) => file),
  };
}

/** The command that contains this, or the whole block of so many lines. */
export function line({ commands }: Readme, part: string, lines = 1): string {
  const candidates = lines === 1 ? commands.flatMap((block) => block.split('\n')) : commands;
  const found = candidates.find((each) => each.includes(part) && each.split('\n').length === lines);
  assert.ok(found !== undefined, `the README has no command with ${part}`);
  return found;
}

/** What differs from run to run, made the same; equal ids stay equal, and heartbeats come when it is quiet. */
export function constant(text: string): string {
  const ids: string[] = [];
  return text
    .replaceAll(/\b\d{13}-\d+/g, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return `ID-${ids.indexOf(id)}`;
    })
    .replace(/^retry:\d+$/m, 'retry:N')
    .replaceAll(/^:\n\n/gm, '');
}
