import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FileKeySource } from '../../src/guard/file-key-source.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const first = createKey('first');
const second = createKey('second');

/** A mount as Kubernetes makes it: `NAME/KEY -> ..data/KEY`, `..data -> ..version`; an update swaps `..data`. */
async function mount(test: TestContext) {
  const secretsDir = await temporaryDirectory(test);
  const directory = join(secretsDir, 'keys');
  await mkdir(directory);
  await symlink(join('..data', 'jwks.json'), join(directory, 'jwks.json'));
  let version = 0;
  return {
    secretsDir,
    file: join(directory, 'jwks.json'),
    data: join(directory, '..data'),
    async swap(text: string): Promise<void> {
      const name = `..${++version}`;
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, 'jwks.json'), text);
      await symlink(name, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    },
  };
}

function open(test: TestContext, secretsDir: string | undefined) {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const changes: string[] = [];
  const source: FileKeySource = new FileKeySource(
    { name: 'keys', key: 'jwks.json' },
    {
      guard: 'main',
      clock,
      random: () => 0.5,
      log,
      observer: { fetched: () => assert.fail('nothing is fetched'), cached: () => undefined },
      secretsDir,
      onChange: () => void changes.push(summary(source)),
    },
  );
  test.after(() => source.stop());
  /** Lets the file be read until the source says so, in less than a second of its own time each. */
  const becomes = async (expected: string) => {
    clock.advance(999);
    await until(() => clock.timers === 1 && summary(source) === expected, expected);
  };
  return { source, clock, log, changes, becomes };
}

function summary({ state }: FileKeySource): string {
  if (state.kind !== 'known') return state.kind === 'none' ? `none ${state.error}` : state.kind;
  return [...state.set.keys.map(({ kid }) => kid), state.error].filter(Boolean).join(' ');
}

describe('keys from a mounted file', () => {
  it('change within a second when the mount is swapped', async (test) => {
    const { secretsDir, swap } = await mount(test);
    await swap(jwks(first));
    const { source, changes, becomes } = open(test, secretsDir);
    await source.start();
    assert.equal(summary(source), 'first');
    await swap(jwks(second));
    await becomes('second');
    await swap(jwks(second, first));
    await becomes('second first');
    assert.deepEqual(changes, ['first', 'second', 'second first']);
  });

  it('stay when the file is broken, cut, empty or gone, and come back with it', async (test) => {
    const { secretsDir, swap, data } = await mount(test);
    await swap(jwks(first));
    const { source, log, changes, becomes } = open(test, secretsDir);
    await source.start();
    await swap(jwks(second).slice(0, 50));
    await becomes('first not_json');
    await swap('{"keys":[]}');
    await becomes('first no_usable_key');
    await swap(' '.repeat(1_048_577));
    await becomes('first too_large');
    await rm(data);
    await becomes('first unreadable');
    await swap(jwks(first));
    await becomes('first');
    assert.deepEqual(changes, ['first']);
    assert.equal(log.lines.filter((line) => line.includes('"keysKept":true')).length, 4);
  });

  it('are waited for when there is no file yet', async (test) => {
    const { secretsDir, swap } = await mount(test);
    const { source, changes, becomes } = open(test, secretsDir);
    await source.start();
    assert.equal(summary(source), 'none unreadable');
    await swap(jwks(first));
    await becomes('first');
    assert.deepEqual(changes, ['none unreadable', 'first']);
  });

  it('are nowhere without a directory for references', async (test) => {
    const { source } = open(test, undefined);
    await source.start();
    assert.equal(summary(source), 'none unreadable');
  });

  it('are not looked at again after the end', async (test) => {
    const { secretsDir, swap } = await mount(test);
    await swap(jwks(first));
    const { source, clock } = open(test, secretsDir);
    await source.start();
    source.stop();
    assert.equal(clock.timers, 0);
  });
});
