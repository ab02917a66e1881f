import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { InputError } from '../../src/core/coded-error.ts';
import { CredentialFile } from '../../src/http/credential-file.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const A = 'a'.repeat(32);
const B = `${'b'.repeat(42)}==`;

async function create(test: TestContext, text?: string) {
  const file = join(await temporaryDirectory(test), 'token');
  if (text !== undefined) await writeFile(file, text);
  const [clock, log] = [new FakeClock(), new RecordedLog()];
  let path: string | undefined = file;
  const credential = new CredentialFile(() => path, clock, log);
  test.after(() => credential.stop());
  /** Lets it look, until what it makes of the file is as expected. */
  const look = (assertion: () => void) =>
    eventually(() => {
      clock.advance(2_000);
      assertion();
    });
  const move = (to: string | undefined) => {
    path = to;
  };
  return { file, log, credential, look, move };
}

describe('the credential for revocations', () => {
  it('is what the file holds, without white space', async (test) => {
    const { credential } = await create(test, `  ${A}\r\n\n`);
    await credential.start();
    assert.equal(credential.accepts(A), true);
    for (const other of ['', B, A.slice(1), `${A}a`, ` ${A}`]) assert.equal(credential.accepts(other), false);
  });

  it('may be several, while one takes the place of another', async (test) => {
    const { credential } = await create(test, `${A}\n${B}\n`);
    await credential.start();
    assert.deepEqual(
      [A, B, `${A}\n${B}`].map((each) => credential.accepts(each)),
      [true, true, false],
    );
  });

  it("is nobody's where no file is configured", async (test) => {
    const { credential, move } = await create(test);
    move(undefined);
    await credential.start();
    assert.equal(credential.isConfigured, false);
    assert.equal(credential.accepts(''), false);
  });

  for (const [what, text, why] of [
    ['is missing', undefined, /cannot be read: no such file/],
    ['is empty', ' \n', /must hold one credential/],
    ['holds too many', `${A}\n`.repeat(5), /or up to 4/],
    ['holds a short one', 'a'.repeat(31), /at least 32/],
    ['holds one with spaces', `${A} ${A}`, /at least 32/],
    ['holds too much', 'a'.repeat(4_097), /at most 4096 bytes/],
  ] as const) {
    it(`is refused at the start when the file ${what}, without a word of it`, async (test) => {
      const { credential, file } = await create(test, text);
      await assert.rejects(credential.start(), (error) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, why);
        assert.ok(error.message.startsWith(file));
        assert.ok(
          text === undefined || text.trim() === '' || !error.message.includes(text.trim().slice(0, 20)),
        );
        return true;
      });
    });
  }

  it('is replaced when the file is', async (test) => {
    const { credential, file, log, look } = await create(test, A);
    await credential.start();
    await writeFile(file, B);
    await look(() => assert.equal(credential.accepts(B), true));
    assert.equal(credential.accepts(A), false);
    assert.deepEqual(
      log.lines.map((line) => JSON.parse(line).message),
      ['credential for revocations replaced'],
    );
  });

  it('stays when the file is gone or no good, which is told once', async (test) => {
    const { credential, file, log, look } = await create(test, A);
    await credential.start();
    await rm(file);
    await look(() => assert.equal(log.lines.length, 1));
    await writeFile(file, 'short');
    await look(() => assert.equal(log.lines.length, 2));
    assert.equal(credential.accepts(A), true);
    assert.ok(log.lines.every((line) => JSON.parse(line).level === 'warn' && !line.includes(A)));
  });

  it('is gone when the configuration refers to none any more', async (test) => {
    const { credential, move } = await create(test, A);
    await credential.start();
    move(undefined);
    assert.equal(credential.accepts(A), false);
  });
});
