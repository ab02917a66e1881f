import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../support/dev-process.ts';
import { Buildah, noBuildah } from './buildah.ts';
import { tidegateImage } from './tidegate-image.ts';

const BUILD_MS = 600_000;
const RUN_MS = 30_000;
const MIB = 1024 * 1024;
/** The runtime alone is 143 MiB, 45 of them compressed. */
const ARCHIVE_BYTES_MAX = 80 * MIB;

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe('the image', { skip: noBuildah, timeout: BUILD_MS }, () => {
  let archive: string;
  let buildah: Buildah;
  /** Its files. */
  let root: string;
  let config: { User: string; Entrypoint: string[]; Labels: Record<string, string> };

  before(
    async () => {
      buildah = await Buildah.create();
      archive = await tidegateImage();
      const container = await buildah.run('from', '--pull=never', `oci-archive:${archive}`);
      root = await buildah.run('mount', container);
      const inspected = JSON.parse(await buildah.run('inspect', container));
      ({ config } = inspected.OCIv1);
    },
    { timeout: BUILD_MS },
  );
  after(() => buildah[Symbol.asyncDispose]());

  /** As a kubelet would: nobody's user, and a root that can't be written. No shell, no /proc, no /dev. */
  const program = (...args: readonly string[]) =>
    promisify(execFile)('unshare', ['--mount', '/bin/sh', '-euc', READ_ONLY, root, ...args], {
      timeout: RUN_MS,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });

  it('runs without any right to its files', async () => {
    assert.deepEqual(await program('--version'), { stdout: `tidegate ${version}\n`, stderr: '' });
  });

  it('loads every command', async () => {
    const { stdout } = await program('--help');
    for (const [, name = ''] of stdout.matchAll(/^ {2}(\w+) {2,}/gm)) {
      assert.match((await program(name, '--help')).stdout, new RegExp(`^Usage: tidegate ${name}`));
    }
  });

  it('is entered by its name, by nobody', () => {
    assert.deepEqual(config.Entrypoint, ['tidegate']);
    assert.equal(config.User, '65532:65532');
    assert.equal(config.Labels['org.opencontainers.image.version'], version);
  });

  it('holds what it needs at run time, and nothing else', async (test) => {
    const packages = globSync(['app/node_modules/*', 'app/node_modules/@*/*'], { cwd: root });
    for (const absent of ['typescript', 'node', 'selfsigned', '@biomejs/biome', '@types/koa']) {
      assert.ok(!packages.includes(`app/node_modules/${absent}`), absent);
    }
    assert.deepEqual(globSync('app/**/*.{ts,mts,cts,map}', { cwd: root }), []);
    assert.deepEqual(globSync('app/{src,test,scripts,.npmrc}', { cwd: root }), []);
    const files = globSync('**/*', { cwd: root });
    const sizes = await Promise.all(files.map(async (file) => (await lstat(join(root, file))).size));
    const { size } = await stat(archive);
    test.diagnostic(
      `image: ${mib(size)} compressed, ${mib(sizes.reduce((sum, each) => sum + each, 0))} unpacked`,
    );
    assert.ok(size < ARCHIVE_BYTES_MAX, `${mib(size)} compressed`);
  });

  it('can be changed by root alone', async () => {
    const faults: string[] = [];
    for (const file of globSync('{app,usr/local}/**/*', { cwd: root })) {
      const { gid, mode, uid } = await lstat(join(root, file));
      const isLink = (mode & 0o170000) === 0o120000;
      if (uid !== 0 || gid !== 0 || (!isLink && (mode & 0o6022) !== 0))
        faults.push(`${file} ${mode.toString(8)}`);
    }
    assert.deepEqual(faults, []);
  });
});

const READ_ONLY = `
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
exec chroot --userspec=65532:65532 "$0" /usr/local/bin/tidegate "$@"
`;

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
