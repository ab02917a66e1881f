import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compactVerify, importJWK } from 'jose';
import { systemClock } from '../../src/core/clock.ts';
import { openState } from '../../src/dev/state.ts';
import { tokenCommand } from '../../src/roles/token.ts';
import { gateway, guard } from '../config/documents.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

describe('token', () => {
  let directory: string;
  let jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-token-'));
    await writeFile(
      join(directory, 'c.yaml'),
      `${JSON.stringify(guard())}\n---\n${JSON.stringify(gateway())}`,
    );
    jwks = (await openState(join(directory, 'state'), systemClock)).keys.jwks;
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const run = async (...flags: string[]) => {
    const terminal = recordTerminal();
    const places = ['--config', join(directory, 'c.yaml'), '--state-dir', join(directory, 'state')];
    assert.equal(await tokenCommand.run([...places, ...flags], terminal), 0);
    assert.equal(terminal.written.err, '');
    return terminal.written.out.trim();
  };
  /** Claims of a token whose signature one of the published keys verifies. */
  const verified = async (token: string) => {
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    const key = jwks.keys.find((each) => each['kid'] === kid);
    assert.ok(key, `the key ${kid} is published`);
    const { payload, protectedHeader } = await compactVerify(token, await importJWK({ ...key }));
    return { header: protectedHeader, claims: JSON.parse(Buffer.from(payload).toString()) };
  };

  for (const [kid, alg] of [
    ['example', 'RS256'],
    ['example_ec', 'ES256'],
  ] as const) {
    it(`signs with ${kid} by ${alg}`, async () => {
      const { header } = await verified(await run('--kid', kid));
      assert.deepEqual([header.kid, header.alg], [kid, alg]);
    });
  }

  it('takes what is not said from the configuration', async () => {
    const { claims } = await verified(await run());
    assert.deepEqual(
      [claims.iss, claims.aud, claims.sub],
      ['https://auth.example.com', 'https://api.example.com', 'alice'],
    );
  });

  const claims: readonly [string, string, unknown][] = [
    ['a=text', 'a', 'text'],
    ['a=', 'a', ''],
    ['a=12', 'a', 12],
    ['a="12"', 'a', '12'],
    ['a=[1,{"b":null}]', 'a', [1, { b: null }]],
    ['a={broken', 'a', '{broken'],
    ['a=b=c', 'a', 'b=c'],
    ['https://x/y=true', 'https://x/y', true],
    ['sub=carol', 'sub', 'carol'],
  ];
  for (const [text, name, value] of claims) {
    it(`--claim ${text}`, async () => {
      assert.deepEqual((await verified(await run('--claim', text))).claims[name], value);
    });
  }

  for (const text of ['a', '=a', '']) {
    it(`refuses --claim ${JSON.stringify(text)}`, async () => {
      await assert.rejects(run('--claim', text), {
        name: 'UsageError',
        message: '--claim must be NAME=VALUE',
      });
    });
  }
});
