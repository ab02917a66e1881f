import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bind } from '../src/core/bind.ts';
import { gateway, guard } from './config/documents.ts';
import { type DevProcess, ROOT, startDev } from './support/dev-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const CLI = join(ROOT, 'src', 'cli.ts');
const END_MS = 20_000;

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program as a process; one that does not end by itself is a failure. */
async function run(args: readonly string[], cwd = ROOT): Promise<Run> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: END_MS,
  });
  return collect(child);
}

async function shell(script: string): Promise<Run> {
  const args = ['-c', script, process.execPath, CLI];
  return collect(spawn('/bin/sh', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: END_MS }));
}

async function collect(child: ReturnType<typeof spawn>): Promise<Run> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

describe('tidegate', { timeout: 120_000 }, () => {
  it('tells its commands with --help, -h, help and without anything', async () => {
    const { code, err, out } = await run(['--help']);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^Usage: tidegate COMMAND/);
    for (const command of ['dev', 'token', 'listen', 'check'])
      assert.match(out, new RegExp(`^  ${command} +\\w`, 'm'));
    for (const args of [['-h'], ['help'], []]) assert.deepEqual(await run(args), { code, err, out });
  });

  it('tells its version, that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.deepEqual(await run(['--version']), { code: 0, out: `tidegate ${version}\n`, err: '' });
  });

  it('explains every command that it names', async () => {
    const { out } = await run(['--help']);
    const names = Array.from(out.matchAll(/^ {2}(\w+) {2,}/gm), ([, name = '']) => name);
    assert.ok(names.length >= 4);
    for (const name of names) {
      const help = await run([name, '--help']);
      assert.deepEqual([help.code, help.err], [0, ''], name);
      assert.ok(help.out.startsWith(`Usage: tidegate ${name}`), name);
    }
  });

  it('takes -h after other flags', async () => {
    assert.match((await run(['token', '--sub', 'x', '-h'])).out, /^Usage: tidegate token/);
  });

  const misuses: readonly [RegExp, ...string[]][] = [
    [/^tidegate: there is no command "serve"\n\nUsage: tidegate COMMAND/, 'serve'],
    [/^tidegate: there is no command "toString"\n/, 'toString'],
    [/^tidegate: Unknown option '--nope'\n$/, 'token', '--nope'],
    [/^tidegate: --ttl must be a duration/, 'token', '--ttl', 'soon'],
    [/^tidegate: --claim must be NAME=VALUE\n$/, 'token', '--claim', 'x'],
    [/^tidegate: Unexpected argument 'x'/, 'token', 'x'],
    [/^tidegate: check needs at least one FILE\n$/, 'check'],
    [/^tidegate: dev takes one FILE\n$/, 'dev', 'a', 'b'],
    [/^tidegate: --listen-tls must be \[HOST:\]PORT or off/, 'dev', '--listen-tls', 'x'],
    [
      /^tidegate: --log-level must be one of debug, info, warn, error, silent\n$/,
      'dev',
      '--log-level',
      'loud',
    ],
    [/^tidegate: --tls-cert and --tls-key belong together\n$/, 'dev', '--tls-cert', 'x'],
  ];
  for (const [message, ...args] of misuses) {
    it(`ends with 2 for: ${args.join(' ')}`, async () => {
      const { code, err, out } = await run(args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, message);
    });
  }

  it('says nothing when nobody reads it', async () => {
    // Standard output is closed before anything is written to it.
    const { err } = await shell('{ sleep 0.2; "$0" "$1" listen --help; echo "exit $?" >&2; } | true');
    assert.equal(err, 'exit 0\n');
  });

  it('lives on when nobody reads its errors', async () => {
    const { out } = await shell(
      '{ { sleep 0.2; "$0" "$1" serve; echo "exit $?" >&3; } 2>&1 >/dev/null | true; } 3>&1',
    );
    assert.equal(out, 'exit 2\n');
  });

  it('does not end well when what it writes can not be kept', async () => {
    const { out } = await shell('"$0" "$1" --help 2>/dev/null >/dev/full; echo "exit $?"');
    assert.equal(out, 'exit 1\n');
  });
});

describe('tidegate check', { timeout: 180_000 }, () => {
  const guardText = JSON.stringify(guard());
  const gatewayText = JSON.stringify(gateway());

  it('ends with 0 and says nothing of good files', async (test) => {
    const cwd = await temporaryDirectory(test);
    await writeFile(join(cwd, 'guard.yaml'), guardText);
    await writeFile(join(cwd, 'gateway.yaml'), gatewayText);
    assert.deepEqual(await run(['check', 'guard.yaml', 'gateway.yaml'], cwd), { code: 0, out: '', err: '' });
  });

  it('takes the example', async () => {
    assert.deepEqual(await run(['check', 'examples/local.yaml']), { code: 0, out: '', err: '' });
  });

  it('ends with 1 and tells every fault as FILE:LINE PATH: RULE on standard output', async (test) => {
    const cwd = await temporaryDirectory(test);
    const text = guardText.replace('issuer', 'isuer');
    await writeFile(join(cwd, 'a.yaml'), `# a comment\n---\n${text}\n---\n${gatewayText}`);
    const { code, err, out } = await run(['check', 'a.yaml'], cwd);
    assert.deepEqual([code, err], [1, '']);
    assert.equal(
      out,
      'a.yaml:3 spec.issuer: is required\na.yaml:3 spec.isuer: unknown field "isuer", did you mean "issuer"?\n',
    );
  });

  it('ends with 1 for a file that there is not', async (test) => {
    const { code, err, out } = await run(['check', 'none.yaml'], await temporaryDirectory(test));
    assert.deepEqual([code, err], [1, '']);
    assert.match(out, /^none\.yaml: .+\n$/);
  });
});

describe('tidegate token and a running dev', { timeout: 120_000 }, () => {
  let dev: DevProcess;
  before(async () => {
    dev = await startDev();
  });
  after(() => dev[Symbol.asyncDispose]());

  /** Header and claims of the token that is printed. */
  const minted = async (...flags: string[]) => {
    const { code, err, out } = await run(['token', '--state-dir', dev.stateDir, ...flags]);
    assert.deepEqual([code, err], [0, '']);
    const [header = '', claims = ''] = out.split('.');
    assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'one token, nothing else');
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return { header: read(header), claims: read(claims) };
  };

  it('mints a token for the first guard of the configuration, with every scope', async () => {
    const { claims, header } = await minted();
    assert.deepEqual(header, { alg: 'RS256', kid: 'example', typ: 'JWT' });
    const { exp, iat, ...rest } = claims;
    assert.equal(exp - iat, 60);
    assert.deepEqual(rest, {
      iss: 'https://auth.example.com',
      aud: 'https://api.example.com',
      sub: 'alice',
      scope: 'events:read',
    });
  });

  it('takes every flag', async () => {
    const { claims, header } = await minted(
      ...['--sub', 'bob', '--ttl', '2h', '--scope', 'a b', '--kid', 'example_ec', '--iss', 'i', '--aud', 'u'],
      ...['--claim', 'org={"id":7}', '--claim', 'flag=true', '--claim', 'text=a=b', '--claim', 'zip=007'],
    );
    assert.deepEqual(header, { alg: 'ES256', kid: 'example_ec', typ: 'JWT' });
    const { exp, iat, ...rest } = claims;
    assert.equal(exp - iat, 7_200);
    assert.deepEqual(rest, {
      iss: 'i',
      aud: 'u',
      sub: 'bob',
      scope: 'a b',
      org: { id: 7 },
      flag: true,
      text: 'a=b',
      zip: '007',
    });
  });

  it('leaves the scope out where it is empty', async () => {
    assert.equal('scope' in (await minted('--scope', '')).claims, false);
  });

  const faults: readonly [RegExp, ...string[]][] = [
    [/^there is no development key "none", only example, example_ec\n$/, '--kid', 'none'],
    [/none\.yaml/, '--config', 'none.yaml'],
  ];
  for (const [message, ...flags] of faults) {
    it(`ends with 1 and a sentence for ${flags.join(' ')}`, async () => {
      const { code, err, out } = await run(['token', '--state-dir', dev.stateDir, ...flags]);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, message);
      assert.doesNotMatch(err, /^\s+at /m, 'no stack');
    });
  }

  it('ends with 1 and a sentence where dev has not made its keys', async (test) => {
    const { code, err, out } = await run(['token', '--state-dir', await temporaryDirectory(test)]);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^[^\n]+\n$/);
  });

  for (const name of ['tls', 'http', 'ingest', 'publish', 'admin', 'revocations']) {
    it(`dev ends with 3 and one sentence when the port of --listen-${name} is in use`, async (test) => {
      const other = createServer();
      test.after(() => other.close());
      const port = await bind(other, 'other', { host: '127.0.0.1', port: 0 });
      const flags = ['tls', 'http', 'ingest', 'publish', 'admin', 'revocations'].flatMap((each) => [
        `--listen-${each}`,
        each === name ? `127.0.0.1:${port}` : '127.0.0.1:0',
      ]);
      const { code, err, out } = await run([
        'dev',
        '--state-dir',
        dev.stateDir,
        '--log-level',
        'warn',
        ...flags,
      ]);
      assert.deepEqual([code, out], [3, '']);
      assert.match(
        err,
        new RegExp(`^the [\\w-]+ listener can't bind 127\\.0\\.0\\.1:${port}: another program uses it\\n$`),
      );
    });
  }
});
