import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { KEY_SET_ERROR_CODES } from '../../src/guard/key-set-error.ts';
import { TOKEN_ERROR_CODES } from '../../src/guard/token-error.ts';
import { ANSWER_OUTCOMES } from '../../src/http/owner.ts';
import { REFUSALS } from '../../src/http/refusal.ts';
import { LINE_ERROR_CODES } from '../../src/ingest/line-error.ts';
import { PROBLEMS } from '../../src/ingest/publish-server.ts';
import { EXIT } from '../../src/listen/verdict.ts';
import { CLOSE_REASONS } from '../../src/stream/close-reason.ts';
import { ROOT, readPage, readText, slug } from './markdown.ts';

const FILE = 'docs/troubleshooting.md';
const page = readPage(FILE);
const text = readText(FILE);

/** Codes that are types alone, read from where they stand. */
const CODED_ERROR = /CodedError<((?:'\w+'(?: \| )?)+)>/g;

const CODES: Readonly<Record<string, readonly string[]>> = {
  'requests that are refused': Object.keys(REFUSALS),
  'tokens that are refused': TOKEN_ERROR_CODES,
  'outcomes of answers': ANSWER_OUTCOMES.filter((outcome) => outcome !== 'applied'),
  'ends of streams': [...Object.keys(CLOSE_REASONS), 'client_gone'],
  'lines that are refused': LINE_ERROR_CODES,
  'refusals of /publish': Object.keys(PROBLEMS),
  'keys of a guard': KEY_SET_ERROR_CODES,
  gaps: union('src/stream/observer.ts', 'GapReason'),
  'the API server': union('src/kube/kube-error.ts', 'KubeCode'),
  'errors of a code of their own': errorCodes(),
};

describe('docs/troubleshooting.md', () => {
  for (const [what, codes] of Object.entries(CODES)) {
    it(`has a section for each code: ${what}`, () => {
      assert.ok(codes.length > 0);
      assert.deepEqual(
        codes.filter((code) => !page.anchors.has(slug(code))),
        [],
      );
    });
  }

  it('tells the status of every refusal rightly', () => {
    for (const [code, [status]] of Object.entries(REFUSALS)) {
      const [, body = ''] = text.split(`\n### \`${code}\`\n`);
      const said = /^\n*(\d{3})\b/.exec(body)?.[1];
      assert.equal(said, String(status), code);
    }
  });

  it('has no section for a code that is gone', () => {
    const known = new Set(Object.values(CODES).flat());
    const told = Array.from(text.matchAll(/^### `(\w+)`/gm), ([, code = '']) => code);
    assert.deepEqual(
      told.filter((code) => !known.has(code)),
      [],
    );
  });

  it('tells every exit code', () => {
    const cli = readFileSync(join(ROOT, 'src/cli.ts'), 'utf8');
    const own = Array.from(
      cli.matchAll(/return (\d+);|EXIT_\w+ = (\d+)|\? (\d+) : (\d+)\)/g),
      ([, ...codes]) => codes,
    );
    const codes = new Set([...Object.values(EXIT), ...own.flat().filter(Boolean).map(Number)]);
    const rows = text.matchAll(/^\| ([\d, ]+) \|/gm);
    const told = Array.from(rows, ([, cell = '']) => cell.split(', ').map(Number)).flat();
    assert.deepEqual(told.toSorted(byNumber), [...codes].toSorted(byNumber));
  });

  it('leaves what is amiss with Redis to redis.md, which has every word', () => {
    const words = globSync('src/bus/*.ts', { cwd: ROOT }).flatMap(
      (file) => readFileSync(join(ROOT, file), 'utf8').match(/(?<=')[A-Z]+(?:_[A-Z]+)+(?=')/g) ?? [],
    );
    assert.ok(words.length > 0);
    const redis = readText('docs/redis.md');
    assert.deepEqual(
      words.filter((word) => !redis.includes(`\`${word}\``)),
      [],
    );
  });

  it('tells every reason of a condition, and operator.md too', () => {
    const reasons = globSync('src/operator/*-conditions.ts', { cwd: ROOT }).flatMap((file) =>
      Array.from(
        readFileSync(join(ROOT, file), 'utf8').matchAll(
          /(?:reason: |(?:no|yes)\(\s*|finding\([^,]*,\s*|\? |: )'([A-Z]\w+)'/g,
        ),
        ([, reason = '']) => reason,
      ),
    );
    const found = new Set(reasons.filter((reason) => !CONDITION_TYPES.has(reason) && !STATUSES.has(reason)));
    assert.ok(found.has('GuardNotFound') && found.has('PodsUnreachable'));
    const operator = readText('docs/operator.md');
    for (const reason of [...found, 'Accepted', 'Enforced']) {
      assert.ok(text.includes(`\`${reason}\``), `${FILE}: ${reason}`);
      assert.ok(operator.includes(`\`${reason}\``), `docs/operator.md: ${reason}`);
    }
  });
});

/** Types that are also reasons are looked for all the same. */
const CONDITION_TYPES: ReadonlySet<string> = new Set(['Ready', 'Progressing', 'Degraded', 'KeysReady']);
const STATUSES: ReadonlySet<string> = new Set(['True', 'False', 'Unknown']);

function byNumber(a: number, b: number): number {
  return a - b;
}

/** The members of a union of texts. */
function union(file: string, name: string): readonly string[] {
  const [, body = ''] = readFileSync(join(ROOT, file), 'utf8').split(`export type ${name} =`);
  return Array.from((body.split(';\n', 1)[0] ?? '').matchAll(/'(\w+)'/g), ([, code = '']) => code);
}

function errorCodes(): readonly string[] {
  return globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) =>
    Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(CODED_ERROR), ([, codes = '']) =>
      codes.split(' | ').map((code) => code.replaceAll("'", '')),
    ).flat(),
  );
}
