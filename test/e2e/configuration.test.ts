import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenStream, openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';
import { configuration, EVENTS, replaceFile } from './yaml.ts';

const NEWS = '{ path: /news, guardRefs: [{ name: example }] }';
const BEFORE = configuration({ streams: `${EVENTS}, ${NEWS}` });
/** The path wants one scope more. */
const AFTER = configuration({
  streams: `{ path: /events, guardRefs: [{ name: example }], scopes: ["events:read", "events:all"] }, ${NEWS}`,
});
const CHANGED = '{"reason":"guard_changed","reconnect":false}';

describe('a configuration that changes under a running dev', () => {
  let directory: string;
  let dev: DevProcess | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-configuration-'));
  });
  afterEach(async () => {
    await dev?.[Symbol.asyncDispose]();
    dev = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  for (const { name, prepare, change } of [
    {
      name: 'rewritten in place',
      prepare: (file: string) => writeFile(file, BEFORE),
      change: (file: string) => writeFile(file, AFTER),
    },
    {
      name: 'replaced by another file',
      prepare: (file: string) => writeFile(file, BEFORE),
      change: (file: string) => replaceFile(file, AFTER),
    },
    {
      // Kubernetes mounts a ConfigMap so: local.yaml → ..data/local.yaml, ..data → a directory, and only that link changes.
      name: "swapped by its directory's link",
      prepare: (file: string) => mount(file, BEFORE),
      change: (file: string) => remount(file, AFTER),
    },
  ]) {
    it(`ends the streams that it takes a right from, and no others, when ${name}`, async () => {
      const file = join(directory, 'local.yaml');
      await prepare(file);
      dev = await startDev(file);
      const weak = await dev.token('--ttl', '10m', '--scope', 'events:read');
      const strong = await dev.token('--ttl', '10m', '--scope', 'events:read events:all');
      using loser = await open(dev, '/events', weak);
      using keeper = await open(dev, '/events', strong);
      using elsewhere = await open(dev, '/news', weak);

      await change(file);
      assert.equal((await loser.next('end')).data, CHANGED);
      assert.equal((await loser.ended).clean, true);

      await publish(dev, 'after');
      for (const stream of [keeper, elsewhere]) {
        assert.equal((await stream.next('message')).data, 'after');
        assert.equal(stream.messages.length, 1, stream.body());
      }
      const again = await request(`http://127.0.0.1:${dev.ports.clearText}/events`, {
        headers: { authorization: `Bearer ${weak}` },
      });
      assert.deepEqual([again.status, again.code], [403, 'insufficient_scope']);
    });
  }

  it('is refused when it is faulty, by file and line, and the last good one stays', async () => {
    const file = join(directory, 'local.yaml');
    await writeFile(file, BEFORE);
    dev = await startDev(file);
    const { ports, log } = dev;
    using stream = await open(dev, '/events', await dev.token('--ttl', '10m'));
    await replaceFile(file, AFTER.replace('audiences', 'audience'));
    await eventually(() =>
      assert.match(log(), /"level":"error","message":"configuration refused[^\n]+local\.yaml:6 /),
    );
    const metrics = await request(`http://127.0.0.1:${ports.admin}/metrics`);
    assert.match(metrics.body, /^tidegate_config_reloads_total\{result="refused"\} 1$/m);
    await publish(dev, 'still');
    assert.equal((await stream.next('message')).data, 'still');

    await replaceFile(file, AFTER);
    assert.equal((await stream.next('end')).data, CHANGED, 'the next good one counts');
  });

  it('brings new paths without a restart, and takes old ones', async () => {
    const file = join(directory, 'local.yaml');
    await writeFile(file, configuration());
    dev = await startDev(file);
    const { ports } = dev;
    const token = await dev.token('--ttl', '10m');
    const get = (path: string) =>
      request(`http://127.0.0.1:${ports.clearText}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
    assert.equal((await get('/news')).code, 'not_found');
    using old = await open(dev, '/events', token);
    await replaceFile(file, configuration({ streams: NEWS }));
    assert.equal((await old.next('end')).data, CHANGED);
    assert.equal((await get('/events')).code, 'not_found');
    using fresh = await open(dev, '/news', token);
    await publish(dev, 'news');
    assert.equal((await fresh.next('message')).data, 'news');
  });

  it('is not a deletion when the file is gone', async () => {
    const file = join(directory, 'local.yaml');
    await writeFile(file, BEFORE);
    dev = await startDev(file);
    const { log } = dev;
    using stream = await open(dev, '/events', await dev.token('--ttl', '10m'));
    await rm(file);
    await eventually(() => assert.match(log(), /configuration file is missing/));
    await publish(dev, 'still');
    assert.equal((await stream.next('message')).data, 'still');
  });
});

async function open({ ports }: DevProcess, path: string, token: string): Promise<OpenStream> {
  const stream = await openStream(ports.clearText, path, { authorization: `Bearer ${token}` });
  assert.equal(stream.status, 200);
  return stream;
}

async function publish({ ports }: DevProcess, data: string): Promise<void> {
  const { status } = await request(`http://127.0.0.1:${ports.publish}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data }),
  });
  assert.equal(status, 200);
}

async function mount(file: string, text: string): Promise<void> {
  const directory = join(file, '..');
  await mkdir(join(directory, '..first'));
  await writeFile(join(directory, '..first', 'local.yaml'), text);
  await symlink('..first', join(directory, '..data'));
  await symlink(join('..data', 'local.yaml'), file);
}

async function remount(file: string, text: string): Promise<void> {
  const directory = join(file, '..');
  await mkdir(join(directory, '..second'));
  await writeFile(join(directory, '..second', 'local.yaml'), text);
  await symlink('..second', join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
}
