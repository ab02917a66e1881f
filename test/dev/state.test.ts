import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { openState } from '../../src/dev/state.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('the state of dev', () => {
  it('is made once, in directories that are made for it, for its owner alone', async (test) => {
    const directory = join(await temporaryDirectory(test), 'not', 'there', 'yet');
    const first = await openState(directory, systemClock);
    const again = await openState(directory, systemClock);
    assert.deepEqual(again.keys.jwks, first.keys.jwks);
    for (const file of [first.keyFile, join(directory, 'keys.json')]) {
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  });

  it('that can’t be written is told by its file', { skip: process.platform !== 'linux' }, async () => {
    await assert.rejects(openState('/proc/nope', systemClock), {
      code: 'input',
      message: /^\/proc\/nope\/\S+ can't be written$/,
    });
  });
});
