import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { openAccessLog } from '../../src/roles/open-access-log.ts';
import { parseServerOptions } from '../../src/roles/server-options.ts';
import { startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { openStream } from '../support/open-stream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'sixteen bytes or more';

describe('the key for hashes of subjects', () => {
  const faults: readonly [string, string | undefined, RegExp][] = [
    ['one that is not there', undefined, /^--subject-hash-key-file: .*key can not be read$/],
    ['an empty one', '\n', /^--subject-hash-key-file: .*key must hold 16 to 4096 bytes, it has 0$/],
    ['a short one', 'not long enough\r\n', /must hold 16 to 4096 bytes, it has 15$/],
    ['a huge one', 'k'.repeat(4_097), /must hold 16 to 4096 bytes, it has 4097$/],
  ];
  for (const [what, text, message] of faults) {
    it(`refuses ${what}`, async (test) => {
      const subjectHashKeyFile = join(await temporaryDirectory(test), 'key');
      if (text !== undefined) await writeFile(subjectHashKeyFile, text);
      await assert.rejects(openAccessLog({ accessLog: true, subjectHashKeyFile }, silentLog), {
        name: 'InputError',
        message,
      });
    });
  }

  it('is for who has streams', () => {
    assert.deepEqual(parseServerOptions('gateway', [], ['f.yaml', '--access-log', 'off']).access, {
      accessLog: false,
      subjectHashKeyFile: undefined,
    });
    assert.throws(() => parseServerOptions('ingest', [], ['f.yaml', '--access-log', 'on']), {
      name: 'UsageError',
      message: 'ingest has no streams, so no --access-log',
    });
  });
});

describe('the access log of a process', { timeout: 60_000 }, () => {
  it('has one line for a stream, with the hash of its subject and nothing else of its token', async (test) => {
    const keyFile = join(await temporaryDirectory(test), 'key');
    await writeFile(keyFile, `${KEY}\n`);
    await using dev = await startDev(undefined, undefined, ['--subject-hash-key-file', keyFile]);
    const token = await dev.mint(60, 'alice-of-the-token');
    {
      using stream = await openStream(dev.ports.clearText, `/events?access_token=${token}`);
      assert.equal(stream.status, 200);
    }
    await eventually(() => assert.ok(dev.log().includes('stream ended')));
    const lines = dev
      .log()
      .split('\n')
      .filter((line) => line.includes('stream ended'))
      .map((line): Record<string, unknown> => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ time: _time, ageSeconds: _age, bytes: _bytes, ...line }) => line),
      [
        {
          level: 'info',
          message: 'stream ended',
          guard: 'example',
          path: '/events',
          reason: 'client_gone',
          events: 0,
          challenges: 0,
          protocol: 'HTTP/1.1',
          subjectHash: createHmac('sha256', KEY).update('alice-of-the-token').digest('hex').slice(0, 32),
        },
      ],
    );
    for (const secret of [token, 'alice-of-the-token', KEY, 'access_token'])
      assert.ok(!dev.log().includes(secret), secret);
  });

  it('is silent when it is switched off', async () => {
    await using dev = await startDev(undefined, undefined, ['--access-log', 'off', '--log-level', 'debug']);
    const token = await dev.mint(60, 'alice');
    const authorization = `Bearer ${token}`;
    {
      using first = await openStream(dev.ports.clearText, '/events', { authorization });
      assert.equal(first.status, 200);
    }
    dev.child.kill('SIGTERM');
    await eventually(() => assert.notEqual(dev.child.exitCode, null));
    assert.ok(!dev.log().includes('stream ended'), dev.log());
  });
});
