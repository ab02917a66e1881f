import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../support/on-path.ts';

const run = promisify(execFile);
const MODULE = 'github.com/zegl/kube-score';
const VERSION = 'v1.20.0';
const CACHE = join(homedir(), '.cache', 'tidegate');
const FOLDER = join(CACHE, `kube-score-${VERSION}`);
const PROGRAM = join(FOLDER, 'kube-score');
const BUILD_MS = 600_000;

/** Why there can be no kube-score, or false. */
export const noKubeScore: string | false =
  existsSync(PROGRAM) || onPath('go') ? false : 'go is missing: kube-score is built from source';

/**
 * What kube-score finds in a file, each as `LEVEL KIND OBJECT: FINDING`, without its container's name. The checks that
 * it leaves to those who ask for them are left alone.
 */
export async function kubeScore(file: string): Promise<readonly string[]> {
  await build();
  // It ends with 1 when it has found something.
  const { stdout } = await run(PROGRAM, ['score', '--output-format', 'ci', file]).catch(
    (error: Error & { stdout: string; code: unknown }) => {
      if (error.code !== 1) throw error;
      return error;
    },
  );
  return stdout.split('\n').flatMap((line) => {
    const found = /^\[(CRITICAL|WARNING)\] ([^/ ]+)\S* \S*?(\w+): (?:\([^)]*\) )?(.*)$/.exec(line);
    return found === null ? [] : [`${found[1]} ${found[3]} ${found[2]}: ${found[4]}`];
  });
}

async function build(): Promise<void> {
  if (existsSync(PROGRAM)) return;
  const made = await mkdtemp(`${FOLDER}-`);
  try {
    const env = { ...process.env, GOBIN: made, CGO_ENABLED: '0' };
    const flags = ['-trimpath', '-ldflags', '-s -w'];
    await run('go', ['install', ...flags, `${MODULE}/cmd/kube-score@${VERSION}`], { env, timeout: BUILD_MS });
    // Another run may have been quicker; its program is as good.
    await rename(made, FOLDER).catch((error: Error) => {
      if (!existsSync(PROGRAM)) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}
