import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A fenced block of a page. */
export interface Block {
  /** The word behind the fence; empty when there is none. */
  readonly language: string;
  readonly text: string;
  /** Of the fence, from 1. */
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A Markdown page as the tests use it. */
export interface Page {
  /** From the project's root. */
  readonly file: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** What a link may lead to behind `#`. */
  readonly anchors: ReadonlySet<string>;
}

/** Every page that is the project's own. */
export function allPages(): readonly Page[] {
  const isForeign = (path: string): boolean =>
    path.split(sep).some((part) => part === 'node_modules' || part === 'dist' || part.startsWith('.'));
  return globSync('**/*.md', { cwd: ROOT, exclude: isForeign })
    .map((path) => readPage(path.split(sep).join('/')))
    .toSorted((a, b) => a.file.localeCompare(b.file));
}

export function readPage(file: string): Page {
  return parsePage(file, readText(file));
}

export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

export function parsePage(file: string, text: string): Page {
  const blocks: Block[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  let fence: { readonly mark: string; readonly language: string; readonly line: number } | undefined;
  let body = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [, mark = '', language = ''] = /^ {0,3}(```+|~~~+) *([\w-]*)/.exec(line) ?? [];
    if (fence !== undefined) {
      if (mark.startsWith(fence.mark) && language === '') {
        blocks.push({ language: fence.language, text: body, line: fence.line });
        fence = undefined;
      } else body += `${line}\n`;
      continue;
    }
    if (mark !== '') {
      fence = { mark, language, line: index + 1 };
      body = '';
      continue;
    }
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading !== undefined) anchors.add(unique(slug(heading), anchors));
    for (const [, name = ''] of line.matchAll(/<a (?:id|name)="([^"]+)">/g)) anchors.add(name);
    // What stands in back-quotes is no link, however it looks.
    const prose = line.replaceAll(/`[^`]*`/g, (code) => 'x'.repeat(code.length));
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)) {
      links.push({ target, line: index + 1 });
    }
  }
  if (fence !== undefined) throw new Error(`${file}:${fence.line}: the block is not closed`);
  return { file, blocks, links, anchors };
}

/** As GitHub, GitLab and Gitea make the anchor of a heading, where they agree. */
export function slug(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function unique(anchor: string, taken: ReadonlySet<string>): string {
  if (!taken.has(anchor)) return anchor;
  for (let count = 1; ; count++) if (!taken.has(`${anchor}-${count}`)) return `${anchor}-${count}`;
}
