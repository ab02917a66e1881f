import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from './local-bases.ts';

const run = promisify(execFile);
/** npm's downloads included. */
const BUILD_MS = 600_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Why no image can be built here, or false. */
export const noBuildah: string | false = reason();

function reason(): string | false {
  if (process.getuid?.() !== 0) return 'building an image without a container runtime needs root';
  for (const name of ['buildah', 'npm']) {
    try {
      onPath(name);
    } catch {
      return `${name} is not installed`;
    }
  }
  return false;
}

/** With a storage of its own: nothing of a build stays behind, and two of them do not meet. */
export class Buildah implements AsyncDisposable {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Buildah> {
    return new Buildah(await mkdtemp(join(tmpdir(), 'tidegate-image-')));
  }

  /** What it prints. */
  async run(...args: readonly string[]): Promise<string> {
    const storage = ['storage', 'run'].map((name) => join(this.directory, name));
    const [root = '', runRoot = ''] = storage;
    const { stdout } = await run(
      'buildah',
      ['--root', root, '--runroot', runRoot, '--storage-driver', 'vfs', ...args],
      {
        timeout: BUILD_MS,
        maxBuffer: OUTPUT_BYTES_MAX,
        env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
      },
    );
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
