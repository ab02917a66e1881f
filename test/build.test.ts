import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, startDev } from './support/dev-process.ts';

const run = promisify(execFile);
const RUN_MS = 90_000;

describe('the compiled program', { timeout: 360_000 }, () => {
  let home: string;
  let cli: string;

  /** As in the image: `dist/` beside package.json and the dependencies, and no sources. */
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'tidegate-build-'));
    cli = join(home, 'dist', 'cli.js');
    await run(process.execPath, [join(ROOT, 'scripts', 'build.ts'), join(home, 'dist')], { timeout: RUN_MS });
    await cp(join(ROOT, 'package.json'), join(home, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const program = (...args: readonly string[]) =>
    run(process.execPath, [cli, ...args], { cwd: home, timeout: RUN_MS });

  it('tells the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    assert.deepEqual(await program('--version'), { stdout: `tidegate ${version}\n`, stderr: '' });
  });

  it('loads every command, with the scripts that it gives to Redis', async () => {
    const { stdout } = await program('--help');
    const names = Array.from(stdout.matchAll(/^ {2}(\w+) {2,}/gm), ([, name = '']) => name);
    assert.ok(names.includes('gateway') && names.includes('ingest'));
    for (const name of names) assert.match((await program(name, '--help')).stdout, /^Usage: tidegate /);
  });

  it('runs dev with its page', async () => {
    await using dev = await startDev(undefined, cli);
    const ca = await dev.certificate();
    const names = (await readdir(join(ROOT, 'src', 'page'))).filter((name) => name !== 'tsconfig.json');
    const paths = names.map((name) => join(ROOT, 'src', 'page', name));
    for (const path of [...paths, join(ROOT, 'client', 'guarded-event-source.js')]) {
      const body = await bytes(`${dev.origin}/${basename(path)}`, ca);
      assert.ok(body.equals(await readFile(path)), path);
    }
  });
});

async function bytes(url: string, ca: string): Promise<Buffer> {
  const [response] = await once(get(url, { ca, timeout: RUN_MS }), 'response');
  assert.equal(response.statusCode, 200);
  return Buffer.concat(await Array.fromAsync<Buffer>(response));
}
