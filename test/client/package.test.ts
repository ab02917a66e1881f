import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { transform } from 'esbuild';
import { ROOT } from '../support/dev-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'client');
const GZIPPED_BYTES_MAX = 3_000;
const TSC_MS_MAX = 60_000;

/** What an application writes. */
const APPLICATION = `
import { GuardedEventSource, type AnswerEvent, type StreamErrorEvent } from 'tidegate-client';

const source = new GuardedEventSource('https://events.example/', {
  getToken: async ({ fresh, signal }) => (fresh && !signal.aborted ? 'fresh' : undefined),
});
source.onmessage = ({ data, lastEventId }) => data.length + lastEventId.length;
source.onerror = ({ code, status = 0 }) => code.length + status;
source.addEventListener('answer', (event: AnswerEvent) => event.ok);
source.addEventListener('error', (event: StreamErrorEvent) => event.cause);
source.addEventListener('price', ({ data }) => JSON.parse(data), { once: true });
source.addEventListener('open', { handleEvent: (event: Event) => event.type });
const state: 0 | 1 | 2 = source.readyState;
export const over = state === GuardedEventSource.CLOSED;
`;
/** In a browser it takes the place of the native one. */
const NATIVE = `
const native: EventSource = source;
native.close();
`;

describe('the package', () => {
  let manifest: { files: string[]; dependencies?: unknown; exports: { '.': Record<string, string> } };
  before(async () => {
    manifest = JSON.parse(await readFile(join(CLIENT, 'package.json'), 'utf8'));
  });

  it('is one file without dependencies, of less than 3 KB minified and gzipped', async (test) => {
    assert.equal(manifest.dependencies, undefined);
    const source = await readFile(join(CLIENT, 'guarded-event-source.js'), 'utf8');
    assert.doesNotMatch(source, /^\s*(import|export .* from)\b/m);
    const { code } = await transform(source, { minify: true, format: 'esm', target: 'es2022' });
    const { length } = gzipSync(code, { level: 9 });
    test.diagnostic(`${length} bytes`);
    assert.ok(length < GZIPPED_BYTES_MAX, `it has ${length} bytes`);
  });

  it('can be imported by its name', async (test) => {
    const directory = await installed(test);
    await writeFile(
      join(directory, 'main.js'),
      "import * as all from 'tidegate-client'; console.log(Object.keys(all));",
    );
    const { stdout } = await run(process.execPath, ['main.js'], { cwd: directory });
    assert.equal(stdout, "[ 'GuardedEventSource' ]\n");
  });

  for (const [where, lib, types, moduleResolution, text] of [
    ['a browser', ['es2024', 'dom'], [], 'bundler', APPLICATION + NATIVE],
    ['Node', ['es2024'], ['node'], 'nodenext', APPLICATION],
  ] as const) {
    it(`has the types for ${where}`, async (test) => {
      const directory = await installed(test);
      const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
      const compilerOptions = { lib, types, module, moduleResolution, strict: true, noEmit: true };
      await symlink(join(ROOT, 'node_modules', '@types'), join(directory, 'node_modules', '@types'));
      await symlink(
        join(ROOT, 'node_modules', 'undici-types'),
        join(directory, 'node_modules', 'undici-types'),
      );
      await writeFile(
        join(directory, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, include: ['main.ts'] }),
      );
      await writeFile(join(directory, 'main.ts'), text);
      const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
      const checked = run(tsc, ['-p', directory], { timeout: TSC_MS_MAX });
      await assert.doesNotReject(checked.catch(({ stdout }) => Promise.reject(new Error(stdout))));
    });
  }

  it('does as its types say', async () => {
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
    for (const project of ['client', 'src/page', 'examples/oidc/page']) {
      const checked = run(tsc, ['--noEmit', '-p', join(ROOT, project)], { timeout: TSC_MS_MAX });
      await assert.doesNotReject(checked.catch(({ stdout }) => Promise.reject(new Error(stdout))));
    }
  });

  /** As npm would have it: the files that the package names, and nothing else. */
  async function installed(test: TestContext): Promise<string> {
    const directory = await temporaryDirectory(test);
    const target = join(directory, 'node_modules', 'tidegate-client');
    await mkdir(target, { recursive: true });
    for (const name of ['package.json', ...manifest.files]) await cp(join(CLIENT, name), join(target, name));
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    return directory;
  }
});
