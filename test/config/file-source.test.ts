import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { faultText } from '../../src/config/fault.ts';
import { FileSource, POLL_MS, SETTLE_MS, type Watch } from '../../src/config/file-source.ts';
import { readFileBytes } from '../../src/core/file-bytes.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { gateway, guard } from './documents.ts';

/** A good file whose guard has this issuer. */
const good = (issuer: string) => `${JSON.stringify(guard({ issuer }))}\n---\n${JSON.stringify(gateway())}\n`;
const FIRST = good('https://first.example');
const SECOND = good('https://second.example');

/** As on a network file system: nothing is ever reported. */
const deaf: Watch = () => ({ close() {} });

const STEP_MS = 10;

interface Watched {
  readonly file: string;
  readonly clock: FakeClock;
  readonly source: FileSource;
  /** What was told, in order: `issuer#generation`, `reloaded`, `missing`, or the faults. */
  readonly told: readonly string[];
  /** Time goes on by so much, standing still while the file is being read. */
  pass(milliseconds: number): Promise<void>;
  /** Within a second exactly this is told. */
  heard(...expected: readonly string[]): Promise<void>;
  /** Lets the file be looked at twice more, and checks that nothing was told. */
  silent(): Promise<void>;
}

async function watched(test: TestContext, file: string, watch?: Watch): Promise<Watched> {
  const clock = new FakeClock();
  const told: string[] = [];
  let heard = 0;
  let reads = 0;
  const source = new FileSource({
    file,
    clock,
    read: async (path) => {
      reads++;
      return readFileBytes(path).finally(() => reads--);
    },
    ...(watch === undefined ? {} : { watch }),
    onConfiguration({ guards }) {
      const example = guards.get('example');
      told.push(`${example?.spec.issuer}#${example?.generation}`);
    },
    observer: {
      reloaded: () => void told.push('reloaded'),
      refused: (faults) => void told.push(faults.map(faultText).join('\n').replaceAll(file, 'FILE')),
      missing: () => void told.push('missing'),
    },
  });
  async function pass(milliseconds: number): Promise<void> {
    for (let past = 0; past < milliseconds; past += STEP_MS) {
      clock.advance(STEP_MS);
      do await new Promise((resolve) => setImmediate(resolve));
      while (reads > 0);
    }
  }
  await source.start();
  test.after(() => source.stop());
  return {
    file,
    clock,
    source,
    told,
    pass,
    async heard(...expected) {
      await pass(1_000);
      assert.deepEqual(told.slice(heard), expected);
      heard = told.length;
    },
    async silent() {
      await pass(2 * (POLL_MS + 2 * SETTLE_MS));
      assert.deepEqual(told.slice(heard), []);
    },
  };
}

async function started(test: TestContext, watch?: Watch): Promise<Watched> {
  const file = join(await temporaryDirectory(test), 'local.yaml');
  await writeFile(file, FIRST);
  return watched(test, file, watch);
}

const issuerOf = ({ source }: Watched) => source.configuration.guards.get('example')?.spec.issuer;

describe('FileSource at start', () => {
  const clock = new FakeClock();
  const options = { clock, onConfiguration() {}, observer: { reloaded() {}, refused() {}, missing() {} } };

  it('has the configuration, and calls nobody', async (test) => {
    const follower = await started(test);
    assert.equal(issuerOf(follower), 'https://first.example');
    await follower.silent();
  });

  it('refuses a missing file', async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    await assert.rejects(new FileSource({ ...options, file }).start(), {
      name: 'InputError',
      message: `${file}: cannot be read: no such file`,
    });
    assert.equal(clock.timers, 0);
  });

  it('refuses a directory', async (test) => {
    const file = await temporaryDirectory(test);
    await assert.rejects(new FileSource({ ...options, file }).start(), {
      name: 'InputError',
      message: `${file}: cannot be read: it is a directory`,
    });
  });

  it('tells every fault, one a line', async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    await writeFile(file, FIRST.replace('issuer', 'isuer').replace('/events', 'events'));
    await assert.rejects(new FileSource({ ...options, file }).start(), {
      name: 'InputError',
      message:
        `${file}:1 spec.issuer: is required\n` +
        `${file}:1 spec.isuer: unknown field "isuer", did you mean "issuer"?\n` +
        `${file}:3 spec.streams[0].path: must begin with "/"`,
    });
    assert.equal(clock.timers, 0);
  });

  it('has no configuration before it', () => {
    assert.throws(() => new FileSource({ ...options, file: 'f' }).configuration, TypeError);
  });
});

for (const [ears, watch] of [
  ['with reports of the file system', undefined],
  ['without any report of the file system', deaf],
] as const) {
  describe(`FileSource ${ears}`, () => {
    it('follows a file that is written over', async (test) => {
      const follower = await started(test, watch);
      await writeFile(follower.file, SECOND);
      await follower.heard('https://second.example#2', 'reloaded');
      assert.equal(issuerOf(follower), 'https://second.example');
      await follower.silent();
    });

    it('follows a file that is replaced by rename', async (test) => {
      const follower = await started(test, watch);
      await writeFile(`${follower.file}.new`, SECOND);
      await rename(`${follower.file}.new`, follower.file);
      await follower.heard('https://second.example#2', 'reloaded');
      await writeFile(`${follower.file}.new`, FIRST);
      await rename(`${follower.file}.new`, follower.file);
      await follower.heard('https://first.example#3', 'reloaded');
    });

    it("follows the swap of a directory's link, as Kubernetes does it", async (test) => {
      const directory = await temporaryDirectory(test);
      for (const [name, content] of Object.entries({ '..1': FIRST, '..2': SECOND })) {
        await mkdir(join(directory, name));
        await writeFile(join(directory, name, 'local.yaml'), content);
      }
      await symlink('..1', join(directory, '..data'));
      await symlink('..data/local.yaml', join(directory, 'local.yaml'));
      const follower = await watched(test, join(directory, 'local.yaml'), watch);
      await symlink('..2', join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
      await rm(join(directory, '..1'), { recursive: true });
      await follower.heard('https://second.example#2', 'reloaded');
    });

    it('keeps the last good one while the file is gone', async (test) => {
      const follower = await started(test, watch);
      await rm(follower.file);
      await follower.heard('missing');
      assert.equal(issuerOf(follower), 'https://first.example');
      await follower.silent();
      await writeFile(follower.file, SECOND);
      await follower.heard('https://second.example#2', 'reloaded');
    });

    it('takes a file that comes back as it was for no change', async (test) => {
      const follower = await started(test, watch);
      await rm(follower.file);
      await follower.heard('missing');
      await writeFile(follower.file, FIRST);
      await follower.heard('reloaded');
    });

    it('keeps the last good one while the file is bad, and says so once', async (test) => {
      const follower = await started(test, watch);
      await writeFile(follower.file, SECOND.replace('JwtGuard', 'JwtGaurd'));
      await follower.heard('FILE:1 kind: must be JwtGuard or EventGateway, did you mean "JwtGuard"?');
      assert.equal(issuerOf(follower), 'https://first.example');
      await follower.silent();
      await writeFile(follower.file, FIRST);
      await follower.heard('reloaded');
    });

    it('refuses a half-written file that stays so', async (test) => {
      const follower = await started(test, watch);
      await writeFile(follower.file, SECOND.slice(0, SECOND.indexOf('---')));
      await follower.heard('FILE: must hold exactly one EventGateway, but has none');
      await writeFile(follower.file, '');
      await follower.heard('FILE: must hold exactly one EventGateway, but has none');
      await writeFile(follower.file, SECOND);
      await follower.heard('https://second.example#2', 'reloaded');
    });

    it('takes a change of comments for none', async (test) => {
      const follower = await started(test, watch);
      await writeFile(follower.file, `# the same\n${FIRST}`);
      await follower.heard('reloaded');
    });
  });
}

describe('FileSource', () => {
  it('does not wait for its next look when a change is reported', async (test) => {
    const follower = await started(test);
    await writeFile(follower.file, SECOND);
    await until(() => follower.clock.timers === 2, 'a report of the file system');
    await follower.pass(2 * SETTLE_MS);
    assert.deepEqual(follower.told, ['https://second.example#2', 'reloaded']);
  });

  it('does not take what is still being written', async (test) => {
    const reports: (() => void)[] = [];
    const follower = await started(test, (_directory, changed) => {
      reports.push(() => changed('local.yaml'));
      return { close() {} };
    });
    const half = SECOND.slice(0, SECOND.indexOf('---'));
    await writeFile(follower.file, half);
    for (const report of reports) report();
    // The first read has found the half, the second has not been made yet.
    follower.clock.advance(SETTLE_MS);
    await until(() => follower.clock.timers === 2, 'the wait between two reads');
    await writeFile(follower.file, SECOND);
    await follower.heard('https://second.example#2', 'reloaded');
  });

  it('ignores what happens to other files of the directory', async (test) => {
    const reports: ((name: string | null) => void)[] = [];
    const follower = await started(test, (_directory, changed) => {
      reports.push(changed);
      return { close() {} };
    });
    const [report] = reports;
    assert.ok(report);
    report('other.yaml');
    assert.equal(follower.clock.timers, 1, 'only the look at intervals is waiting');
    // A report without a name may mean this file; the link is how Kubernetes changes it.
    for (const name of ['local.yaml', '..data', null]) {
      report(name);
      assert.equal(follower.clock.timers, 2, `a report of ${name} leads to a look`);
      await follower.pass(SETTLE_MS);
      assert.equal(follower.clock.timers, 1, 'which has ended');
    }
  });

  it('survives that its directory is gone for a while', async (test) => {
    const directory = await temporaryDirectory(test);
    const file = join(directory, 'sub', 'local.yaml');
    await mkdir(join(directory, 'sub'));
    await writeFile(file, FIRST);
    const follower = await watched(test, file);
    await rm(join(directory, 'sub'), { recursive: true });
    await follower.heard('missing');
    await mkdir(join(directory, 'sub'));
    await writeFile(file, SECOND);
    await follower.heard('https://second.example#2', 'reloaded');
  });

  it('refuses a file that is no longer a file, or no text, or too large', async (test) => {
    const follower = await started(test, deaf);
    await rm(follower.file);
    await mkdir(follower.file);
    await follower.heard('FILE: cannot be read: it is a directory');
    await rm(follower.file, { recursive: true });
    await writeFile(follower.file, Buffer.from([0xff]));
    await follower.heard('FILE:1: must be UTF-8');
    await writeFile(follower.file, `${SECOND}#${'x'.repeat(1_048_576)}`);
    await follower.heard('FILE: must be at most 1048576 bytes long');
    assert.equal(issuerOf(follower), 'https://first.example');
  });

  it('stops in the middle of a look, and is silent afterwards', async (test) => {
    const follower = await started(test, deaf);
    await writeFile(follower.file, SECOND);
    follower.clock.advance(POLL_MS);
    await follower.source.stop();
    assert.equal(follower.clock.timers, 0);
    await follower.silent();
    await follower.source.stop();
  });
});
