import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { builtFolder, noBinaries, RECIPE } from '../test/support/cluster-needs.ts';

const SHOWN_MS = 15_000;

/**
 * Builds what the cluster of the tests is made of, unless that was done before or cannot be done: the tests that need it
 * then say so. From nothing it takes minutes, so it is started first, at the lowest priority, and waited for last.
 *
 * @returns whether those tests can go on: true unless a build was tried and failed
 */
export async function buildCluster(): Promise<boolean> {
  if (noBinaries !== false || existsSync(builtFolder())) return true;
  const say = (line: string): void => console.log(`[cluster] ${line}`);
  say('building Kubernetes in the background; once, and minutes from empty caches');
  const child = spawn('nice', ['-n', '19', join(RECIPE, 'build.sh')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let shown = Number.NEGATIVE_INFINITY;
  createInterface(child.stdout).on('line', (line) => {
    if (performance.now() - shown < SHOWN_MS) return;
    shown = performance.now();
    say(line);
  });
  createInterface(child.stderr).on('line', say);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('error', (error) => say(error.message));
  child.on('close', resolve);
  const code = await promise;
  say(code === 0 ? 'built' : `the build ended with ${code}`);
  return code === 0;
}
