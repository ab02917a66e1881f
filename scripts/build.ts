/**
 * `npm run build`: the program as plain JavaScript in `dist/`, with the files that it reads beside it, so that it runs
 * without types and without this checkout. `node scripts/build.ts DIRECTORY` builds it elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** What the program reads at run time: Lua scripts, and the page. */
const READ = new Set(['.lua', '.html', '.css', '.js', '.svg']);

const out = resolve(process.argv[2] ?? join(ROOT, 'dist'));
// What was renamed or removed since the last build must not live on.
rmSync(out, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
const { status, error } = spawnSync(tsc, ['--project', join(ROOT, 'tsconfig.build.json'), '--outDir', out], {
  stdio: 'inherit',
});
if (status !== 0) {
  if (error !== undefined) console.error(`tsc: ${error.message}`);
  process.exit(1);
}
cpSync(join(ROOT, 'src'), out, {
  recursive: true,
  // A directory has no extension here, a file without one is not read.
  filter: (path) => extname(basename(path)) === '' || READ.has(extname(path)),
});
// The page imports it, from beside its own files.
cpSync(join(ROOT, 'client', 'guarded-event-source.js'), join(out, 'page', 'guarded-event-source.js'));
