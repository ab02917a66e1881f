import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkCommand } from '../../src/roles/check.ts';
import { gateway, guard } from '../config/documents.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function check(...files: string[]) {
  const terminal = recordTerminal();
  const code = await checkCommand.run(files, terminal);
  return { code, ...terminal.written };
}

describe('check', () => {
  it('judges files together', async (test) => {
    const directory = await temporaryDirectory(test);
    const [guards, gateways] = [join(directory, 'guard.yaml'), join(directory, 'gateway.yaml')];
    await writeFile(guards, JSON.stringify(guard()));
    await writeFile(gateways, JSON.stringify(gateway()));
    assert.deepEqual(await check(guards, gateways), { code: 0, out: '', err: '' });
    const alone = await check(gateways);
    assert.equal(alone.code, 1);
    assert.equal(
      alone.out,
      `${gateways}:1 spec.streams[0].guardRefs[0].name: there is no JwtGuard "example"\n`,
    );
  });

  it('has no flags and wants a file', async () => {
    await assert.rejects(check(), { name: 'UsageError', message: 'check needs at least one FILE' });
    await assert.rejects(check('--strict'), { name: 'UsageError', message: "Unknown option '--strict'" });
  });
});
