import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from './dev-process.ts';

/**
 * The URLs of everything that is loaded when `cli.ts` loads the role.
 *
 * @param more statements that are run afterwards, in a module
 */
export async function loadedBy(role: string, more = ''): Promise<readonly string[]> {
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
    ${more}
    // Telemetry that was begun would keep it.
    process.stdout.write(JSON.stringify(urls), () => process.exit());`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--no-warnings', '-e', program],
    { cwd: ROOT, maxBuffer: 64 * 1_048_576 },
  );
  return JSON.parse(stdout);
}
