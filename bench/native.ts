/** The programs in C, built by `cc` when a bench begins: what loads a server, and the floor that it is measured against. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCES = join(import.meta.dirname, 'native');
const CLIENT = ['load-client.c', 'connections.c', 'receive.c', 'publish.c', 'histogram.c'];
const FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror'];

export interface Native extends AsyncDisposable {
  readonly loadClient: string;
  readonly floor: string;
  /** For files that go when the bench ends. */
  readonly directory: string;
}

export async function buildNative(): Promise<Native> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
  const build = async (name: string, sources: readonly string[]): Promise<string> => {
    const program = join(directory, name);
    const files = sources.map((source) => join(SOURCES, source));
    await promisify(execFile)('cc', [...FLAGS, '-o', program, ...files]);
    return program;
  };
  return {
    loadClient: await build('load-client', CLIENT),
    floor: await build('floor', ['floor.c']),
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
