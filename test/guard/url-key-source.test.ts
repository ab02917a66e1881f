import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLocalCertificate } from '../../src/dev/certificate.ts';
import type { JwksSpec } from '../../src/guard/key-source.ts';
import { UrlKeySource } from '../../src/guard/url-key-source.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { type Answer, JwksServer, json, status } from '../support/jwks-server.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const REFRESH_MS = 600_000;
const first = createKey('first');
const second = createKey('second');

async function serve(
  test: TestContext,
  answer: Answer,
  tls?: { cert: string; key: string },
): Promise<JwksServer> {
  const server = await new JwksServer(answer, tls).start();
  test.after(() => server.stop());
  return server;
}

function open(test: TestContext, uri: string, extra: Partial<JwksSpec> = {}, secretsDir?: string) {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const results: string[] = [];
  const changes: string[] = [];
  const source: UrlKeySource = new UrlKeySource(
    uri,
    { uri, refreshInterval: REFRESH_MS, ...extra },
    {
      guard: 'main',
      clock,
      random: () => 0.5,
      log,
      observer: { fetched: (_guard, result) => void results.push(result), cached: () => undefined },
      secretsDir,
      onChange: () => void changes.push(kids(source)),
    },
  );
  test.after(() => source.stop());
  return { source, clock, log, results, changes };
}

function kids({ state }: UrlKeySource): string {
  return state.kind === 'known' ? state.set.keys.map(({ kid }) => kid).join(' ') : state.kind;
}

const redirect = (to: string) => status(302, { location: to });
const huge: Answer = (_request, response) => {
  response.writeHead(200).end(Buffer.alloc(10 * 1_048_576, ' '));
};
const cut: Answer = (_request, response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{"keys":[');
  response.socket?.end();
};

describe('keys from a URL', () => {
  it('are fetched at start and every ten minutes, and a change of them is told', async (test) => {
    const server = await serve(test, json(jwks(first)));
    const { source, clock, changes, results } = open(test, server.uri);
    assert.equal(source.state.kind, 'pending');
    await source.start();
    assert.deepEqual(changes, ['first']);
    clock.advance(REFRESH_MS);
    await until(() => results.length === 2);
    assert.deepEqual(changes, ['first'], 'the same keys are no change');
    server.answer = json(jwks(second));
    clock.advance(REFRESH_MS);
    await until(() => results.length === 3);
    assert.deepEqual(changes, ['first', 'second']);
    assert.deepEqual(results, ['ok', 'ok', 'ok']);
    assert.equal(server.requests[0]?.headers.accept, 'application/jwk-set+json, application/json');
  });

  const failures: readonly (readonly [string, Answer, string])[] = [
    ['an error', status(503), 'status'],
    ['not found', status(404), 'status'],
    ['no content', status(204), 'status'],
    ['a 304 that nobody asked for', status(304), 'status'],
    ['a redirect', redirect('http://127.0.0.1:1/'), 'redirect'],
    ['HTML', json('<!doctype html><title>Sign in</title>'), 'not_json'],
    ['gzip', json('\x1f\x8b', { 'content-encoding': 'gzip' }), 'not_json'],
    ['10 MB', huge, 'too_large'],
    ['half of it', cut, 'unreachable'],
    ['no answer at all', (_request, response) => response.socket?.destroy(), 'unreachable'],
    ['an empty set', json('{"keys":[]}'), 'no_usable_key'],
    ['private keys only', json(jwks({ jwk: { ...first.jwk, d: 'AQ' } })), 'no_usable_key'],
  ];
  for (const [what, answer, code] of failures) {
    it(`that answers with ${what}: ${code}, nobody is let in, and it is asked again soon`, async (test) => {
      const server = await serve(test, answer);
      const { source, clock, results, changes } = open(test, server.uri);
      await source.start();
      assert.deepEqual(source.state, { kind: 'none', error: code });
      assert.deepEqual([results, changes], [[code], ['none']]);
      server.answer = json(jwks(first));
      clock.advance(999);
      assert.equal(server.requests.length, 1);
      clock.advance(1);
      await until(() => results.length === 2);
      assert.equal(kids(source), 'first');
    });

    it(`that later answers with ${what}: ${code}, the last good keys stay`, async (test) => {
      const server = await serve(test, json(jwks(first)));
      const { source, clock, log, results, changes } = open(test, server.uri);
      await source.start();
      server.answer = answer;
      clock.advance(REFRESH_MS);
      await until(() => results.length === 2);
      assert.deepEqual([kids(source), results.at(-1), changes.length], ['first', code, 1]);
      assert.ok(source.state.kind === 'known' && source.state.error === code);
      assert.match(log.lines.at(-1) ?? '', new RegExp(`"code":"${code}","keysKept":true`));
      server.answer = json(jwks(first));
      clock.advance(1_000);
      await until(() => results.length === 3);
      assert.ok(source.state.kind === 'known' && source.state.error === undefined);
    });
  }

  it('that is down: backs off to a minute at most', async (test) => {
    const server = await serve(test, status(500));
    const { uri } = server;
    await server.stop();
    const { source, clock, results } = open(test, uri);
    await source.start();
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const before = results.length;
      clock.advance(waitMs - 1);
      assert.equal(clock.timers, 1, 'waits, and does not fetch');
      clock.advance(1);
      await until(() => results.length === before + 1);
    }
    assert.deepEqual(new Set(results), new Set(['unreachable']));
  });

  for (const [what, answer] of [
    ['that says nothing', () => undefined],
    ['that never ends its body', (_request, response) => void response.writeHead(200).write('{')],
  ] satisfies readonly (readonly [string, Answer])[]) {
    it(`${what} is given up after five seconds`, async (test) => {
      const server = await serve(test, answer);
      const { source, clock } = open(test, server.uri);
      const started = source.start();
      await until(() => server.requests.length === 1);
      clock.advance(4_999);
      assert.equal(source.state.kind, 'pending');
      clock.advance(1);
      await started;
      assert.deepEqual(source.state, { kind: 'none', error: 'timeout' });
    });
  }

  it('redirect nowhere', async (test) => {
    const other = await serve(test, json(jwks(second)));
    const server = await serve(test, redirect(other.uri));
    const { source } = open(test, server.uri);
    await source.start();
    assert.deepEqual([source.state.kind, other.requests.length], ['none', 0]);
  });

  it('over plain http come from loopback only', async (test) => {
    const { source } = open(test, 'http://issuer.invalid/jwks.json');
    await source.start();
    assert.deepEqual(source.state, { kind: 'none', error: 'insecure' });
  });

  it('are asked for conditionally, and 304 keeps and refreshes them', async (test) => {
    const validators = { etag: '"v1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
    const server = await serve(test, json(jwks(first), validators));
    const { source, clock, results, changes } = open(test, server.uri);
    await source.start();
    server.answer = status(304);
    clock.advance(REFRESH_MS);
    await until(() => results.length === 2);
    const [unconditional, conditional] = server.requests.map(conditions);
    assert.deepEqual(unconditional, [undefined, undefined]);
    assert.deepEqual(conditional, [validators.etag, validators['last-modified']]);
    assert.deepEqual([results, changes], [['ok', 'not_modified'], ['first']]);
    assert.ok(source.state.kind === 'known' && source.state.at === clock.monotonicMs());
  });

  it('that were bad are not confirmed by their own validators', async (test) => {
    const server = await serve(test, json('{"keys":[]}', { etag: '"bad"' }));
    const { source, clock, results } = open(test, server.uri);
    await source.start();
    clock.advance(1_000);
    await until(() => results.length === 2);
    assert.deepEqual(conditions(server.requests[1]), [undefined, undefined]);
    assert.deepEqual(results, ['no_usable_key', 'no_usable_key']);
  });

  it('are fetched once for a flood of unknown kids, and not again for 30 s', async (test) => {
    const server = await serve(test, json(jwks(first)));
    const { source, clock } = open(test, server.uri);
    await source.start();
    server.answer = json(jwks(first, second));
    const asked = Array.from({ length: 1_000 }, () => source.refresh());
    assert.equal(asked.filter((each) => each !== undefined).length, 1);
    await asked[0];
    assert.equal(kids(source), 'first second');
    clock.advance(29_999);
    assert.equal(source.refresh(), undefined);
    clock.advance(1);
    await source.refresh();
    assert.equal(server.requests.length, 3);
  });

  it('are fetched in single flight', async (test) => {
    const server = await serve(test, () => undefined);
    const { source, clock, results } = open(test, server.uri);
    const flights = [source.start(), source.refresh(), source.settled()];
    await until(() => server.requests.length === 1);
    clock.advance(5_000);
    await Promise.all(flights);
    assert.deepEqual([server.requests.length, results.length], [1, 1]);
  });

  it('that come after the end change nothing', async (test) => {
    let answer: (() => void) | undefined;
    const server = await serve(test, (request, response) => {
      answer = () => json(jwks(first))(request, response);
    });
    const { source, clock, results, changes } = open(test, server.uri);
    const started = source.start();
    await until(() => answer !== undefined);
    source.stop();
    answer?.();
    await started;
    assert.deepEqual([source.state.kind, results, changes, clock.timers], ['pending', [], [], 0]);
    assert.equal(source.refresh(), undefined);
  });

  it('over https need a CA that vouches for the host, which is read anew for each fetch', async (test) => {
    const directory = await temporaryDirectory(test);
    const certificate = await createLocalCertificate(Date.now());
    const server = await serve(test, json(jwks(first)), certificate);
    const uri = server.uri.replace('127.0.0.1', 'localhost');

    const byRoots = open(test, uri);
    await byRoots.source.start();
    assert.deepEqual(byRoots.source.state, { kind: 'none', error: 'unreachable' });

    const reference = { caConfigMapKeyRef: { name: 'issuer', key: 'ca.crt' } };
    const byCa = open(test, uri, reference, directory);
    await byCa.source.start();
    assert.deepEqual(byCa.source.state, { kind: 'none', error: 'ca_unreadable' });
    await mkdir(join(directory, 'issuer'));
    await writeFile(join(directory, 'issuer', 'ca.crt'), certificate.cert);
    byCa.clock.advance(1_000);
    await until(() => byCa.results.length === 2);
    assert.equal(kids(byCa.source), 'first');
    assert.equal(server.requests.length, 1);
  });
});

function conditions(request: IncomingMessage | undefined): readonly unknown[] {
  return [request?.headers['if-none-match'], request?.headers['if-modified-since']];
}
