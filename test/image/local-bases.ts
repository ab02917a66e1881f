import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../support/dev-process.ts';
import { whereIs } from '../support/on-path.ts';

// Two bases out of this machine's own files, since an image registry can't be taken for granted. Both are Debian's to
// the byte; what a real base has besides is what the image must not need.

const NODE = realpathSync(join(ROOT, 'node_modules', 'node', 'bin', 'node'));
/** What the build stage calls, and npm: each with the libraries that it is linked to. */
const TOOLS = [
  'sh',
  'bash',
  'ldd',
  'awk',
  'xargs',
  'find',
  'sed',
  'chmod',
  'cp',
  'ln',
  'mkdir',
  'rm',
  'env',
  'cat',
];
/** Of glibc: what the runtime is linked to, and nothing that the Dockerfile brings along itself. */
const GLIBC = /\/(ld-linux|libc\.|libm\.|libdl\.|libpthread\.)/;

/** For `BUILD`: the tools, Node and npm, and whatever makes npm trust its registry here. */
export function buildBase(root: string): void {
  skeleton(root);
  for (const name of TOOLS) copyProgram(root, onPath(name), `/bin/${name}`);
  copyProgram(root, NODE, '/bin/node');
  // .../npm/bin/npm-cli.js
  const npm = dirname(dirname(realpathSync(onPath('npm'))));
  cpSync(npm, join(root, 'usr/lib/node_modules/npm'), { recursive: true });
  symlinkSync('/usr/lib/node_modules/npm/bin/npm-cli.js', join(root, 'bin/npm'));
  const ca = process.env['NODE_EXTRA_CA_CERTS'];
  if (ca !== undefined && existsSync(ca)) copyFileSync(ca, join(root, 'etc/extra-ca.pem'));
}

/** For `BASE`: glibc and nothing else, not even a shell. */
export function runtimeBase(root: string): void {
  skeleton(root);
  for (const library of librariesOf(NODE).filter((path) => GLIBC.test(path))) copyFile(root, library);
}

/** Debian's Redis and its client, for a pod. */
export function redisRoot(root: string): void {
  skeleton(root);
  for (const name of ['redis-server', 'redis-cli']) copyProgram(root, onPath(name), `/bin/${name}`);
}

function skeleton(root: string): void {
  for (const directory of ['bin', 'etc', 'tmp', 'root', 'usr/lib', 'usr/local/bin', 'var/tmp']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  // Shebangs say /usr/bin/env.
  symlinkSync('../bin', join(root, 'usr/bin'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

function copyProgram(root: string, source: string, target: string): void {
  copyFileSync(source, join(root, target));
  for (const library of librariesOf(source)) copyFile(root, library);
}

function copyFile(root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(path, join(root, path));
}

/** None for a script. */
function librariesOf(program: string): readonly string[] {
  try {
    const text = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Array.from(text.matchAll(/(\/\S+) \(0x/g), ([, path = '']) => path);
  } catch {
    return [];
  }
}

/** @throws Error when there is no such program */
export function onPath(name: string): string {
  const found = whereIs(name);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}
