import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from '../support/dev-process.ts';

/** Everything that is loaded when `cli.ts` loads the role. */
async function loadedBy(role: string): Promise<readonly string[]> {
  const module = pathToFileURL(join(ROOT, 'src', 'roles', `${role}.ts`)).href;
  const program = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ resolve(specifier, context, next) {
      const found = next(specifier, context);
      urls.push(found.url);
      return found;
    } });
    await import(${JSON.stringify(module)});
    console.log(JSON.stringify(urls));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--no-warnings', '-e', program],
    { maxBuffer: 64 * 1_048_576 },
  );
  return JSON.parse(stdout);
}

describe("the operator's library, which costs a process some 60 MB", () => {
  for (const [role, isLoaded] of Object.entries({
    operator: true,
    gateway: false,
    ingest: false,
    dev: false,
    check: false,
  })) {
    it(`is ${isLoaded ? '' : 'not '}loaded by ${role}`, async () => {
      const urls = await loadedBy(role);
      assert.ok(urls.some((url) => url.includes('/src/core/')));
      assert.equal(
        urls.some((url) => url.includes('/@kubernetes/client-node/')),
        isLoaded,
      );
    });
  }
});
