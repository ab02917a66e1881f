import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readSecret, secretFile } from '../../src/config/secrets.ts';
import { InputError } from '../../src/core/coded-error.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('secretFile', () => {
  it('is SECRETS_DIR/NAME/KEY', () => {
    assert.equal(
      secretFile('/secrets', { name: 'dev-keys', key: 'jwks.json' }),
      '/secrets/dev-keys/jwks.json',
    );
  });

  for (const part of ['', '.', '..', '../a', 'a/b', 'a\\b', '/etc', 'a..b', '..data', 'a\0', 'ä', 'a b']) {
    it(`refuses ${JSON.stringify(part)} as name or key`, () => {
      const refusal = new InputError(`${JSON.stringify(part)} is not a name of a reference`);
      assert.throws(() => secretFile('/secrets', { name: part, key: 'a' }), refusal);
      assert.throws(() => secretFile('/secrets', { name: 'a', key: part }), refusal);
    });
  }
});

describe('readSecret', () => {
  const ref = { name: 'keys', key: 'jwks.json' };

  it('reads a file as Kubernetes mounts it', async (test) => {
    const directory = await temporaryDirectory(test);
    await mkdir(join(directory, 'keys', '..1'), { recursive: true });
    await writeFile(join(directory, 'keys', '..1', 'jwks.json'), 'content');
    await symlink('..1', join(directory, 'keys', '..data'));
    await symlink(join('..data', 'jwks.json'), join(directory, 'keys', 'jwks.json'));
    assert.equal(Buffer.from(await readSecret(directory, ref, 7)).toString(), 'content');
  });

  it('names the reference, and nothing of the content, when it is missing or too large', async (test) => {
    const directory = await temporaryDirectory(test);
    await assert.rejects(readSecret(directory, ref, 7), {
      name: 'InputError',
      message: 'keys/jwks.json cannot be read: no such file',
    });
    await mkdir(join(directory, 'keys'));
    await writeFile(join(directory, 'keys', 'jwks.json'), 'contents');
    await assert.rejects(readSecret(directory, ref, 7), {
      name: 'InputError',
      message: 'keys/jwks.json must be at most 7 bytes long',
    });
  });
});
