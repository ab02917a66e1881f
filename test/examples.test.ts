import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, startDev } from './support/dev-process.ts';
import { openStream } from './support/open-stream.ts';
import { request } from './support/request.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const EXAMPLES = join(ROOT, 'examples');
const CLI = join(ROOT, 'src', 'cli.ts');
/** A comment that is YAML and no sentence: one word before the colon. */
const COMMENTED_OUT = /^( *)# ( *(?:- )?\w+: \S.*)$/gm;
const LOCAL = readFileSync(join(EXAMPLES, 'local.yaml'), 'utf8');

describe('every example', () => {
  for (const name of readdirSync(EXAMPLES, { encoding: 'utf8', recursive: true })) {
    if (!name.endsWith('.yaml')) continue;
    const text = readFileSync(join(EXAMPLES, name), 'utf8');

    it(`passes the check: ${name}`, async () => {
      assert.deepEqual(await check(join(EXAMPLES, name)), { status: 0, out: '' });
    });

    it(`passes it with what is commented out as well: ${name}`, async (test) => {
      const file = join(await temporaryDirectory(test), basename(name));
      await writeFile(file, text.replaceAll(COMMENTED_OUT, '$1$2'));
      assert.deepEqual(await check(file), { status: 0, out: '' });
    });

    it(`says what it is: ${name}`, () => {
      assert.match(text, /^# \S.+\.\n/);
    });
  }
});

describe('examples/local.yaml does what its comments say', { concurrency: true }, () => {
  it('takes its keys from a URL as well', async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    const elsewhere = LOCAL.replace(/configMapKeyRef: .*/, 'uri: https://auth.example.com/jwks.json');
    assert.notEqual(elsewhere, LOCAL);
    await writeFile(file, elsewhere);
    assert.deepEqual(await check(file), { status: 0, out: '' });
  });

  it('lets in whoever has a token of this issuer, for this audience, by one of these keys', async () => {
    await using dev = await startDev();
    for (const [flags, status, code] of [
      [['--kid', 'example'], 200, undefined],
      [['--kid', 'example_ec'], 200, undefined],
      [['--iss', 'https://other.example'], 401, 'wrong_issuer'],
      [['--aud', 'https://other.example'], 401, 'wrong_audience'],
      [['--scope', 'other'], 403, 'insufficient_scope'],
    ] as const) {
      // In the URL, as for an EventSource.
      const path = `/events?access_token=${await dev.token(...flags)}`;
      using stream = await openStream(dev.ports.clearText, path);
      assert.equal(stream.status, status, flags.join(' '));
      if (code !== undefined) {
        const { code: told } = await request(`http://127.0.0.1:${dev.ports.clearText}${path}`);
        assert.equal(told, code);
      }
    }
  });

  it('asks ten seconds before the end; an answer extends every stream of its subject, by `Stream` only one', async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    for (const [answer, headers] of [
      ['Subject', ['content-type']],
      ['Stream', ['content-type', 'challenge-id']],
    ] as const) {
      await writeFile(file, LOCAL.replace('answer: Subject', `answer: ${answer}`));
      await using dev = await startDev(file);
      const url = `http://127.0.0.1:${dev.ports.clearText}/events`;
      const fresh = await dev.token('--ttl', '5m');
      const brief = { authorization: `Bearer ${await dev.mint(5)}` };
      // Less than ten seconds are left, so both are asked at once.
      using asked = await openStream(dev.ports.clearText, '/events', brief);
      using beside = await openStream(dev.ports.clearText, '/events', brief);
      const challenge = JSON.parse((await asked.next('challenge')).data);
      assert.deepEqual(Object.keys(challenge.headers), headers);
      const { status } = await request(url, {
        method: challenge.method,
        headers: { ...challenge.headers, authorization: `Bearer ${fresh}` },
      });
      assert.equal(status, 204);
      // Somebody else's token, minted later, so that by its end those two would be over.
      const later = { authorization: `Bearer ${await dev.mint(5, 'bob')}` };
      using last = await openStream(dev.ports.clearText, '/events', later);
      await last.next('end');
      await last.ended;
      const going = [asked, beside].map(({ messages }) => messages.every(({ event }) => event !== 'end'));
      assert.deepEqual(going, [true, answer === 'Subject']);
    }
  });

  it("has a stream of one's own, commented out", async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    const text = LOCAL.replaceAll(COMMENTED_OUT, '$1$2');
    assert.match(text, /^ {4}- path: \/orders$/m);
    await writeFile(file, text);
    await using dev = await startDev(file);
    using stream = await openStream(
      dev.ports.clearText,
      `/orders?access_token=${await dev.token('--sub', 'bob')}`,
    );
    const { body } = await request(`http://127.0.0.1:${dev.ports.publish}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{"data":"not his","topic":"orders.alice"}\n{"data":"his","topic":"orders.bob"}\n',
    });
    const [, last = ''] = body.split('\n');
    const { id } = JSON.parse(last);
    assert.deepEqual(await stream.next('message'), { id, event: undefined, data: 'his' });
  });
});

function check(file: string): Promise<{ status: number; out: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [CLI, 'check', file], (error, out) => {
      if (child.exitCode === null) reject(error);
      else resolve({ status: child.exitCode, out });
    });
  });
}
