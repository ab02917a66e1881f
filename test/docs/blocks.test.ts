import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { stripTypeScriptTypes } from 'node:module';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { checkFiles } from '../../src/config/check.ts';
import { faultText } from '../../src/config/fault.ts';
import { onPath } from '../support/on-path.ts';
import { commandFaults } from './commands.ts';
import { allPages, type Block, type Page } from './markdown.ts';
import { mermaidFaults } from './mermaid.ts';

/** What a block of each language must be; a language that is not here is shown as it is. */
const RULES: Readonly<
  Record<string, (page: Page, block: Block) => readonly string[] | Promise<readonly string[]>>
> = {
  yaml: yamlFaults,
  json: ({ file }, { text, line }) => thrown(() => void JSON.parse(text), `${file}:${line}`),
  sh: shellFaults,
  bash: shellFaults,
  js: ({ file }, { text, line }) => thrown(() => void stripTypeScriptTypes(text), `${file}:${line}`),
  ts: ({ file }, { text, line }) => thrown(() => void stripTypeScriptTypes(text), `${file}:${line}`),
  // A unit of systemd: the command that it starts.
  ini: ({ file }, { text, line }) =>
    commandFaults(text.replace(/^ExecStart=\S+ \S+\/cli\.js /m, 'tidegate ')).map(
      (fault) => `${file}:${line}: ${fault}`,
    ),
  mermaid: ({ file }, { text, line }) => mermaidFaults(text).map((fault) => `${file}:${line}: ${fault}`),
};

/** Reads without doing; any POSIX shell will do where there is no bash. */
const SHELL = onPath('bash') ? 'bash' : 'sh';

/** Shown as they are, or tried by a test of their own. */
const SHOWN: ReadonlySet<string> = new Set(['', 'text', 'http', 'nginx', 'haproxy', 'html', 'lua', 'promql']);

describe('blocks of code in the pages', () => {
  for (const page of allPages()) {
    it(`${page.file} has no faulty one`, async () => {
      const faults: string[] = [];
      for (const block of page.blocks) {
        const rule = RULES[block.language];
        if (rule !== undefined) faults.push(...(await rule(page, block)));
        else if (!SHOWN.has(block.language)) {
          faults.push(`${page.file}:${block.line}: nothing checks the language "${block.language}"`);
        }
      }
      assert.deepEqual(faults, []);
    });
  }
});

/** Documents of ours pass `tidegate check`; a block is one file. Others are YAML. */
async function yamlFaults({ file }: Page, { text, line }: Block): Promise<readonly string[]> {
  const where = `${file}:${line}`;
  if (/^apiVersion: tidegate\.dev\//m.test(text)) {
    const faults = await checkFiles([where], () => Promise.resolve(Buffer.from(text)));
    return faults.map(faultText);
  }
  return parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => `${where}: ${message}`));
}

function shellFaults({ file }: Page, { text, line }: Block): readonly string[] {
  const where = `${file}:${line}`;
  const { status, stderr } = spawnSync(SHELL, ['-n'], { input: text, encoding: 'utf8' });
  const syntax = status === 0 ? [] : [`${where}: ${stderr}`];
  return [...syntax, ...commandFaults(text).map((fault) => `${where}: ${fault}`)];
}

function thrown(parse: () => void, where: string): readonly string[] {
  try {
    parse();
    return [];
  } catch (error) {
    return [`${where}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
