import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { mint } from '../../src/dev/minter.ts';
import { readKeysOf } from '../../src/dev/state.ts';
import { type DevProcess, ROOT, startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CLI = join(ROOT, 'src', 'cli.ts');
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const ISSUER = {
  issuer: 'https://auth.example.com',
  audience: 'https://api.example.com',
  scope: 'events:read',
};

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(command: string, args: readonly string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd: ROOT });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    assert.ok(
      error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error,
      String(error),
    );
    return { code: Number(error.code), out: String(error.stdout), err: String(error.stderr) };
  }
}

describe('revocation, on a real dev, with curl and the command', () => {
  let dev: DevProcess;
  before(async () => {
    dev = await startDev();
  });
  after(() => dev[Symbol.asyncDispose]());

  const tokenFile = () => join(dev.stateDir, 'revocations-token');
  const url = () => `http://127.0.0.1:${dev.ports.revocations}`;
  const revoke = (...flags: string[]) =>
    run(process.execPath, [CLI, 'revoke', '--url', url(), '--token-file', tokenFile(), ...flags]);

  /** curl on the stream, once it is open. */
  async function listen(test: TestContext, token: string) {
    const args = [
      '-sN',
      '--cacert',
      dev.certFile,
      '-H',
      `Authorization: Bearer ${token}`,
      `${dev.origin}/events`,
    ];
    const child = spawn('curl', args);
    const closed = once(child, 'close');
    test.after(() => child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    await eventually(() => assert.match(out, /^retry:/));
    return { out: () => out, closed };
  }

  it('has made a credential that only its owner reads, and tells where, not what it is', async () => {
    const credential = (await readFile(tokenFile(), 'utf8')).trim();
    assert.match(credential, /^[-\w]{43}$/);
    assert.equal((await stat(tokenFile())).mode & 0o777, 0o600);
    assert.ok(dev.banner.includes(tokenFile()));
    assert.ok(!dev.banner.includes(credential) && !dev.log().includes(credential));
  });

  it('by the command that dev prints ends the stream within a second, and lets nobody in with the token', async (test) => {
    const token = await dev.mint(120);
    const stream = await listen(test, token);
    const printed = /-- (revoke --url .*--subject alice)\n/.exec(dev.banner)?.[1]?.split(' ') ?? [];
    const { code, out } = await run(process.execPath, [CLI, ...printed]);
    assert.deepEqual([code, out], [0, 'revoked; no gateway has such a stream within a second\n']);
    await stream.closed;
    assert.ok(
      stream.out().endsWith('event:end\ndata:{"reason":"revoked","reconnect":false}\n\n'),
      stream.out(),
    );
    const again = await run('curl', [
      '-s',
      '--cacert',
      dev.certFile,
      `${dev.origin}/events?access_token=${token}`,
    ]);
    assert.equal(JSON.parse(again.out).code, 'revoked');
  });

  it('by curl needs the credential', async () => {
    const post = (...args: string[]) =>
      run('curl', [
        '-s',
        '-o',
        '-',
        '-w',
        '%{http_code}',
        ...args,
        '-H',
        'Content-Type: application/json',
        `${url()}/revocations`,
      ]);
    const body = ['-d', '{"guard":"example","session":"nobody\'s"}'];
    const credential = (await readFile(tokenFile(), 'utf8')).trim();
    assert.equal((await post('-H', `Authorization: Bearer ${credential}`, ...body)).out, '204');
    assert.match((await post(...body)).out, /"code":"missing_credential"\}\n401$/);
  });

  it("by a logout token of the issuer ends the session's stream and no other", async (test) => {
    const [over, other] = [
      await listen(test, await dev.mint(120, 'bob', { sid: 's1' })),
      await listen(test, await dev.mint(120, 'bob', { sid: 's2' })),
    ];
    const logout = await mint(
      await readKeysOf(dev.stateDir),
      ISSUER,
      { subject: 'bob', ttlSeconds: 60, claims: { sid: 's1', jti: 'one', events: { [EVENT]: {} } } },
      systemClock,
    );
    const post = () =>
      run('curl', [
        '-s',
        '-w',
        '%{http_code}',
        '-d',
        `logout_token=${logout}`,
        `${url()}/backchannel-logout/example`,
      ]);
    assert.equal((await post()).out, '200');
    await over.closed;
    assert.match(over.out(), /"reason":"revoked"/);
    assert.doesNotMatch(other.out(), /event:end/);
    assert.equal((await post()).out, '200', 'repeated');
  });

  it('is counted, and held', async () => {
    const metrics = await fetch(`http://127.0.0.1:${dev.ports.admin}/metrics`).then((response) =>
      response.text(),
    );
    assert.match(metrics, /^tidegate_revocations \d+$/m);
    assert.match(metrics, /^tidegate_revocations_total\{result="stored"\} [1-9]/m);
    assert.match(metrics, /^tidegate_revocations_age_seconds 0$/m);
    assert.match(metrics, /^tidegate_connections_closed_total\{reason="revoked"\} [1-9]/m);
  });

  it('ends with 1 and the rule when it is refused', async (test) => {
    const unknown = await revoke('--guard', 'other', '--subject', 'a');
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.match(unknown.err, /^the gateway answered 400: .* guard: there is no such JwtGuard here\n$/);
    const file = join(await temporaryDirectory(test), 'token');
    await writeFile(file, 'x'.repeat(40));
    const wrong = await revoke('--guard', 'example', '--subject', 'a', '--token-file', file);
    assert.deepEqual([wrong.code, wrong.out], [1, '']);
    assert.match(wrong.err, /^the gateway answered 401: .*\n$/);
    const missing = await revoke('--guard', 'example', '--subject', 'a', '--token-file', `${file}-no`);
    assert.deepEqual([missing.code, missing.err], [1, 'the token file cannot be read: no such file\n']);
  });

  it('ends with 2 when it is called wrongly', async () => {
    const { code, err } = await revoke('--guard', 'example');
    assert.deepEqual([code, err], [2, 'tidegate: one of --subject, --session and --token-id is needed\n']);
  });

  it('ends with 3 when nobody is there', async () => {
    const flags = [
      '--url',
      'http://127.0.0.1:9',
      '--token-file',
      tokenFile(),
      '--guard',
      'g',
      '--subject',
      'a',
    ];
    const { code, err } = await run(process.execPath, [CLI, 'revoke', ...flags]);
    assert.equal(code, 3);
    assert.match(err, /^the gateway could not be reached[^\n]*\n$/);
  });
});
