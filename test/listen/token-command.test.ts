import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runTokenCommand } from '../../src/listen/token-command.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('runTokenCommand', { timeout: 90_000 }, () => {
  const { signal } = new AbortController();
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-command-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** A pipeline of which each part would outlive the test; its process ids are in the file. */
  const endless = (name: string) => {
    const file = join(directory, name);
    const pids = async () => {
      for (;;) {
        const text = await readFile(file, 'utf8').catch(() => '');
        const found = text.split('\n').filter(Boolean).map(Number);
        if (found.length === 2) return found;
        await delay(5);
      }
    };
    const part = `sh -c 'echo $$ >> ${file}; sleep 60; :'`;
    return { command: `${part} | ${part}`, pids };
  };

  it('gives what the shell prints', async () => {
    assert.equal(await runTokenCommand('printf "%s\\n" "a$((1 + 1))"; :', new FakeClock(), signal), 'a2\n');
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    await runTokenCommand('echo a', clock, signal);
    assert.equal(clock.timers, 0);
  });

  it('has no standard input', async () => {
    assert.equal(await runTokenCommand('cat; echo end', new FakeClock(), signal), 'end\n');
  });

  const failing: readonly [string, string][] = [
    ['echo S3CRET; exit 3', 'the token command failed with exit status 3'],
    ['no-such-program-anywhere 2>/dev/null', 'the token command failed with exit status 127'],
    ['kill -9 $$', 'the token command was ended by SIGKILL'],
    ['yes 2>/dev/null', 'the token command printed more than 16 KiB'],
  ];
  for (const [command, message] of failing) {
    it(`fails for: ${command}`, () =>
      assert.rejects(runTokenCommand(command, new FakeClock(), signal), {
        name: 'TokenSourceError',
        code: 'no_token',
        message,
      }));
  }

  it('ends all of a pipeline after 10 s', async () => {
    const clock = new FakeClock();
    const { command, pids } = endless('timeout');
    const running = runTokenCommand(command, clock, signal);
    const started = await pids();
    clock.advance(10_000);
    await assert.rejects(running, { message: 'the token command took more than 10 s' });
    await allGone(started);
  });

  it('ends all of a pipeline when aborted', async () => {
    const ending = new AbortController();
    const { command, pids } = endless('abort');
    const running = runTokenCommand(command, new FakeClock(), ending.signal);
    const started = await pids();
    ending.abort(new Error('enough'));
    await assert.rejects(running, { message: 'enough' });
    await allGone(started);
  });

  it('does not begin when aborted before', async () => {
    await assert.rejects(
      runTokenCommand(`touch ${join(directory, 'begun')}`, new FakeClock(), AbortSignal.abort()),
    );
    await assert.rejects(readFile(join(directory, 'begun')));
  });
});

/** Bounded by the test's own time-out. */
async function allGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) while (await isRunning(pid)) await delay(5);
}

/** A process that has ended but was not waited for (a zombie) runs no more. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !/\) [ZX]/.test(stat);
}
