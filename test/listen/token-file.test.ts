import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readTokenFile } from '../../src/listen/token-file.ts';

describe('readTokenFile', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-token-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('gives the text', async () => {
    await writeFile(join(directory, 'token'), 'abc\n');
    assert.equal(await readTokenFile(join(directory, 'token')), 'abc\n');
  });

  it('refuses what is larger than 16 KiB, or endless', async () => {
    const message = 'the token file is larger than 16 KiB';
    await assert.rejects(readTokenFile('/dev/zero'), { name: 'TokenSourceError', message });
  });

  it('says why it could not be read', async () => {
    const message = 'the token file cannot be read: no such file';
    await assert.rejects(readTokenFile(join(directory, 'none')), { name: 'TokenSourceError', message });
  });
});
