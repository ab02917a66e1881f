import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { allPages, type Page, parsePage, ROOT, slug } from './markdown.ts';

const pages = allPages();
const byFile = new Map(pages.map((page) => [page.file, page]));

describe('links between pages', () => {
  it('are looked for in every page', () => {
    assert.ok(byFile.has('README.md'));
    assert.ok(byFile.has('docs/README.md'));
  });

  for (const page of pages) {
    it(`${page.file} leads nowhere that is not there`, () => assert.deepEqual(faultsOf(page), []));
  }

  it('reach every page of docs/ from its index', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      const page = byFile.get(file);
      if (page === undefined || reached.has(file)) return;
      reached.add(file);
      for (const { target } of page.links) {
        if (!isElsewhere(target)) visit(resolve(page, target).file);
      }
    };
    visit('docs/README.md');
    const unreached = pages.filter(({ file }) => file.startsWith('docs/') && !isReached(file, reached));
    assert.deepEqual(
      unreached.map(({ file }) => file),
      [],
    );
  });
});

describe('the anchor of a heading', () => {
  for (const [heading, anchor] of [
    ['When Redis is away', 'when-redis-is-away'],
    ['`jwks.uri` and others', 'jwksuri-and-others'],
    ['`not_later`', 'not_later'],
    ['What "acknowledged" means', 'what-acknowledged-means'],
    ['With [Helm](https://helm.sh)', 'with-helm'],
    ['A – B', 'a--b'],
  ] as const) {
    it(`of ${heading} is ${anchor}`, () => assert.equal(slug(heading), anchor));
  }

  it('has a number when it comes again', () => {
    assert.deepEqual([...parsePage('x.md', '# A\n## A\n## A\n').anchors], ['a', 'a-1', 'a-2']);
  });
});

function faultsOf(page: Page): readonly string[] {
  return page.links.flatMap(({ target, line }) => {
    if (isElsewhere(target)) {
      // A clear-text page can be changed on its way; only what runs on this machine has no other.
      return /^http:\/\/(?!localhost|127\.)/.test(target) ? [`line ${line}: ${target} is not https`] : [];
    }
    const { file, anchor } = resolve(page, target);
    if (!existsSync(join(ROOT, file))) return [`line ${line}: there is no ${file}`];
    if (anchor === '') return [];
    return byFile.get(file)?.anchors.has(anchor) === true
      ? []
      : [`line ${line}: ${file} has no heading for #${anchor}`];
  });
}

function resolve(page: Page, target: string): { readonly file: string; readonly anchor: string } {
  const [path = '', anchor = ''] = target.split('#', 2);
  const file = path === '' ? page.file : posix.join(posix.dirname(page.file), decodeURIComponent(path));
  return { file, anchor };
}

function isElsewhere(target: string): boolean {
  return /^[a-z]+:/i.test(target);
}

/** A folder that is linked to is enough for what is in it. */
function isReached(file: string, reached: ReadonlySet<string>): boolean {
  return reached.has(file) || linkedFolders().some((folder) => file.startsWith(`${folder}/`));
}

function linkedFolders(): readonly string[] {
  const index = byFile.get('docs/README.md');
  if (index === undefined) return [];
  return index.links
    .filter(({ target }) => !isElsewhere(target) && !target.includes('.md'))
    .map(({ target }) => resolve(index, target).file.replace(/\/$/, ''));
}
