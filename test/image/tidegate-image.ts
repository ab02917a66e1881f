import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/dev-process.ts';
import { Buildah } from './buildah.ts';
import { buildBase, runtimeBase } from './local-bases.ts';

const CACHE = join(homedir(), '.cache', 'tidegate');
const KEPT = /^image-[0-9a-f]+\.tar$/;
const KEPT_MS = 86_400_000;

/** The name in pods; containerd knows it by its long form, `docker.io/library/tidegate:test`. */
export const IMAGE = 'tidegate:test';
const LONG_NAME = `docker.io/library/${IMAGE}`;

/**
 * The image of this checkout as an OCI archive, for `ctr -n k8s.io images import`. Kept until a file changes that it is
 * made of, so that several test files build it once.
 */
export async function tidegateImage(): Promise<string> {
  const archive = join(CACHE, `image-${inputs()}.tar`);
  if (existsSync(archive)) return archive;
  await using buildah = await Buildah.create();
  await build(buildah);
  const made = join(buildah.directory, 'image.tar');
  await buildah.run('push', 'localhost/tidegate:test', `oci-archive:${made}:${LONG_NAME}`);
  await mkdir(CACHE, { recursive: true });
  await forget(CACHE);
  // Renamed, so that a run beside this one sees all of it or nothing.
  await copyFile(made, `${archive}.${process.pid}`);
  await rename(`${archive}.${process.pid}`, archive);
  return archive;
}

/** What was built on another day; one that is younger may be in use by a run beside this one. */
async function forget(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const file = join(directory, name);
    const isOld = async () => Date.now() - (await stat(file)).mtimeMs > KEPT_MS;
    if (KEPT.test(name) && (await isOld())) await rm(file, { force: true });
  }
}

async function build(buildah: Buildah): Promise<void> {
  const bases = { build: buildBase, base: runtimeBase };
  for (const [name, make] of Object.entries(bases)) {
    const context = join(buildah.directory, name);
    make(join(context, 'root'));
    const trust = existsSync(join(context, 'root/etc/extra-ca.pem'))
      ? 'ENV NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem\n'
      : '';
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM scratch\nCOPY root /\nENV PATH=/usr/local/bin:/bin\n${trust}`,
    );
    await buildah.run('bud', '--pull=never', '--tag', `localhost/${name}:local`, context);
  }
  const npmrc = join(homedir(), '.npmrc');
  await buildah.run(
    ...['bud', '--pull=never', '--timestamp', '0', '--tag', 'localhost/tidegate:test'],
    ...['--build-arg', 'BUILD=localhost/build:local', '--build-arg', 'BASE=localhost/base:local'],
    ...(existsSync(npmrc) ? ['--secret', `id=npmrc,src=${npmrc}`] : []),
    ROOT,
  );
}

/** A hash of whatever the image is made of. */
function inputs(): string {
  const hash = createHash('sha256');
  const fixed = ['Dockerfile', '.dockerignore', '.npmrc', 'package.json', 'package-lock.json'];
  const found = globSync(['tsconfig*.json', 'scripts/build.ts', 'src/**/*.*'], { cwd: ROOT });
  for (const file of [...fixed, ...found.toSorted()]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
