import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventGatewaySpec } from '../../src/config/event-gateway.ts';
import { createLog } from '../../src/core/log.ts';
import { accessLogSettings } from '../../src/roles/access-log-settings.ts';
import { ROOT, startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { openStream } from '../support/open-stream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'sixteen bytes or more';
const REF = { name: 'hashes', key: 'key' };
const FIELD = 'spec.accessLog.subjectHashKeySecretRef';

async function settings(accessLog: object | undefined, secretsDir: string | undefined) {
  const lines: string[] = [];
  const spec = eventGatewaySpec.parse({
    streams: [{ path: '/events', public: true }],
    ...(accessLog && { accessLog }),
  });
  const log = createLog('info', (line) => void lines.push(line));
  return { lines, ...(await accessLogSettings(spec, secretsDir, log)) };
}

describe('the settings of the access log', () => {
  it('are on, without a subject, when nothing is said', async () => {
    const { enabled, subjectKey, lines } = await settings(undefined, undefined);
    assert.deepEqual([enabled, subjectKey, lines], [true, undefined, []]);
  });

  it('ask for no key when there are no lines', async () => {
    const { enabled, lines } = await settings({ enabled: false, subjectHashKeySecretRef: REF }, undefined);
    assert.deepEqual([enabled, lines], [false, []]);
  });

  it('have the key without the end of its line', async (test) => {
    const secretsDir = await temporaryDirectory(test);
    await mkdir(join(secretsDir, REF.name));
    await writeFile(join(secretsDir, REF.name, REF.key), `${KEY}\r\n`);
    const { subjectKey, lines } = await settings({ subjectHashKeySecretRef: REF }, secretsDir);
    assert.equal(subjectKey?.export().toString(), KEY);
    assert.deepEqual(lines, []);
  });

  const faults: readonly [string, string | undefined, RegExp][] = [
    ['is not there', undefined, /"message":"hashes\/key cannot be read: no such file"/],
    ['is empty', '\n', /must hold at least 16 bytes, it has 0"/],
    ['is short', 'not long enough\r\n', /must hold at least 16 bytes, it has 15"/],
    ['is huge', 'k'.repeat(4_097), /must be at most 4096 bytes long"/],
  ];
  for (const [what, text, message] of faults) {
    it(`are without a key that ${what}, and that is told`, async (test) => {
      const secretsDir = await temporaryDirectory(test);
      await mkdir(join(secretsDir, REF.name));
      if (text !== undefined) await writeFile(join(secretsDir, REF.name, REF.key), text);
      const { enabled, subjectKey, lines } = await settings({ subjectHashKeySecretRef: REF }, secretsDir);
      assert.deepEqual([enabled, subjectKey], [true, undefined]);
      assert.equal(lines.length, 1);
      assert.match(lines.join(), /"level":"warn","message":"subjects are not hashed"/);
      assert.match(lines.join(), message);
    });
  }

  it('are without a key when there is nowhere to look for it', async () => {
    const { subjectKey, lines } = await settings({ subjectHashKeySecretRef: REF }, undefined);
    assert.equal(subjectKey, undefined);
    assert.ok(lines.join().includes(`${FIELD}: needs --secrets-dir`));
  });
});

describe('the access log of a process', { timeout: 180_000 }, () => {
  it('has one line a stream, with nothing of its token but a hash, and follows the configuration', async (test) => {
    const directory = await temporaryDirectory(test);
    const file = join(directory, 'local.yaml');
    const example = await readFile(join(ROOT, 'examples', 'local.yaml'), 'utf8');
    const configure = (accessLog: object) =>
      writeFile(file, example.replace(/^ {2}streams:/m, `  accessLog: ${JSON.stringify(accessLog)}\n$&`));
    await configure({ subjectHashKeySecretRef: { name: REF.name, key: 'not-there' } });
    await using dev = await startDev(file);
    const visit = async (subject: string): Promise<string> => {
      const token = await dev.mint(60, subject);
      using stream = await openStream(dev.ports.clearText, `/events?access_token=${token}`);
      assert.equal(stream.status, 200);
      return token;
    };
    const lines = () =>
      dev
        .log()
        .split('\n')
        .filter((line) => line.includes('"stream ended"'))
        .map((line): Record<string, unknown> => JSON.parse(line));

    const token = await visit('alice-of-the-token');
    await eventually(() => assert.equal(lines().length, 1));
    const line = {
      level: 'info',
      message: 'stream ended',
      guard: 'example',
      path: '/events',
      reason: 'client_gone',
      events: 0,
      challenges: 0,
      protocol: 'HTTP/1.1',
    };
    const last = () => {
      const { time: _time, ageSeconds: _age, bytes: _bytes, ...rest } = lines().at(-1) ?? {};
      return rest;
    };
    assert.deepEqual(last(), line);
    assert.ok(dev.log().includes('subjects are not hashed'));

    const secrets = join(dev.stateDir, 'secrets', REF.name);
    await mkdir(secrets);
    await writeFile(join(secrets, REF.key), `${KEY}\n`);
    await configure({ subjectHashKeySecretRef: REF });
    const subjectHash = createHmac('sha256', KEY).update('alice-of-the-token').digest('hex').slice(0, 32);
    await eventually(async () => {
      const before = lines().length;
      await visit('alice-of-the-token');
      await eventually(() => assert.equal(lines().length, before + 1));
      assert.deepEqual(last(), { ...line, subjectHash });
    });
    for (const secret of [token, 'of-the-token', KEY, 'access_token'])
      assert.ok(!dev.log().includes(secret), secret);
  });

  it('is silent when it is switched off', async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    const example = await readFile(join(ROOT, 'examples', 'local.yaml'), 'utf8');
    await writeFile(file, example.replace(/^ {2}streams:/m, '  accessLog: { enabled: false }\n$&'));
    await using dev = await startDev(file, undefined, ['--log-level', 'debug']);
    const authorization = `Bearer ${await dev.mint(60, 'alice')}`;
    {
      using stream = await openStream(dev.ports.clearText, '/events', { authorization });
      assert.equal(stream.status, 200);
    }
    dev.child.kill('SIGTERM');
    await eventually(() => assert.notEqual(dev.child.exitCode, null));
    assert.ok(!dev.log().includes('stream ended'), dev.log());
  });
});
