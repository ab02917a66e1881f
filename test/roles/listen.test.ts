import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLocalCertificate } from '../../src/dev/certificate.ts';
import {
  accept,
  CHALLENGE,
  end,
  endedStream,
  refuse,
  ScriptedServer,
  stream,
} from '../listen/scripted-server.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const EVENT = 'retry:10\nid:1-0\n\nid:2-0\ndata:hello\n\n';
const bye = endedStream(end('revoked', false));

/** The program itself: what stays here is what only a process can show. */
describe('tidegate listen', { timeout: 180_000 }, () => {
  let directory: string;
  let server: ScriptedServer;
  let tlsServer: ScriptedServer;
  let child: ChildProcess | undefined;
  let out = '';
  let err = '';
  const run = (...args: string[]) => spawnListen(process.execPath, [CLI, 'listen', ...args]);
  const spawnListen = (file: string, args: string[]) => {
    out = '';
    err = '';
    const started = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    return once(started, 'close').then(([status]) => status);
  };
  const untilOut = async (text: string) => {
    while (!out.includes(text) && child?.exitCode === null) await delay(10);
    assert.ok(out.includes(text), err);
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-listen-'));
    const pair = await createLocalCertificate(Date.now());
    await writeFile(join(directory, 'ca.pem'), pair.cert);
    await writeFile(join(directory, 'token'), 'token-of-file\n');
    tlsServer = await new ScriptedServer({ cert: pair.cert, key: pair.key }).start();
  });
  after(async () => {
    await tlsServer.stop();
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    server = await new ScriptedServer().start();
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await server.stop();
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends with 0 and not a word on ${signal}`, async () => {
      server.streams(stream(EVENT));
      const exit = run(server.url().href);
      await untilOut('hello');
      child?.kill(signal);
      assert.equal(await exit, 0);
      assert.equal(out, '2-0\tmessage\thello\n');
      assert.equal(err, `connected to ${server.url().href}\n`);
    });
  }

  it('ends with 0 when its reader has gone', async () => {
    server.streams((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write('data:hello\n\n'), 5);
      response.on('close', () => clearInterval(timer));
    });
    const script = '{ "$0" "$@"; echo "exit $?" >&2; } | head -n 1';
    await spawnListen('/bin/sh', ['-c', script, process.execPath, CLI, 'listen', server.url().href]);
    assert.equal(out, '-\tmessage\thello\n');
    assert.match(err, /^connected to \S+\nexit 0\n$/);
  });

  it('stays alive between two connections', async () => {
    server.streams(refuse(503, 'not_ready'), bye);
    assert.equal(await run(server.url().href), 5);
    assert.match(
      err,
      /^503 not_ready: .*; reconnecting in \d\.\d s\nconnected to .*\nthe stream ended: revoked\n$/,
    );
  });

  it('answers a challenge by its token command, and prints no token', async () => {
    server.answers(accept).streams(stream(CHALLENGE));
    const command = `n=$(cat ${directory}/n 2>/dev/null); echo x$n > ${directory}/n; echo token-$n`;
    const exit = run('--json', '--token-command', command, server.url().href);
    while (!err.includes('challenge answered') && child?.exitCode === null) await delay(10);
    child?.kill('SIGTERM');
    assert.equal(await exit, 0);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer token-', 'Bearer token-x'],
    );
    assert.doesNotMatch(out + err, /token-/);
  });

  it('ends its token command when it is ended itself', async () => {
    const started = join(directory, 'started');
    const exit = run('--token-command', `touch ${started}; sleep 90; :`, server.url().href);
    while (!existsSync(started) && child?.exitCode === null) await delay(10);
    child?.kill('SIGINT');
    // The command has inherited standard error: before it has ended, `close` does not come within the test's time.
    assert.equal(await exit, 0);
  });

  it('reads its token from a file and trusts the authority that it is given', async () => {
    tlsServer.streams(bye);
    const exit = await run(
      '--ca',
      join(directory, 'ca.pem'),
      '--token-file',
      join(directory, 'token'),
      tlsServer.url().href,
    );
    assert.equal(exit, 5, err);
    assert.equal(tlsServer.requests.at(-1)?.headers.authorization, 'Bearer token-of-file');
  });

  it('trusts anybody with --insecure', async () => {
    tlsServer.streams(bye);
    assert.equal(await run('--insecure', tlsServer.url().href), 5);
  });

  it('ends with 3 for an authority that it does not know', async () => {
    assert.equal(await run(tlsServer.url().href), 3);
    assert.equal(
      err,
      `could not reach ${tlsServer.url().href}: its certificate is not from a known authority (--ca FILE names one)\n`,
    );
  });

  it('ends with 2 for a wrong flag, and explains itself with --help', async () => {
    assert.equal(await run('--jsno', server.url().href), 2);
    assert.match(err, /Unknown option '--jsno'/);
    assert.equal(await run('--help'), 0);
    assert.match(out, /^Usage: tidegate listen/);
  });
});
