import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gatewayAcl } from '../../src/bus/keys.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { AUDIENCE, createKey, forge, ISSUER, jwks, type Members } from '../support/issuer.ts';
import { type OpenStream, openStream } from '../support/open-stream.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { request } from '../support/request.ts';
import { makeRoleFiles, RoleProcess } from '../support/role-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CLI = join(ROOT, 'src', 'cli.ts');
const PREFIX = 'tidegate:{test}:';
const CREDENTIAL = 'c'.repeat(40);
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const key = createKey('k');

function token(claims: Members = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return forge(key, { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 300, sub: 'alice', ...claims });
}

interface Gateway {
  readonly process: RoleProcess;
  listen(token: string): Promise<OpenStream>;
  /** What a GET with this token is answered. */
  code(token: string): Promise<string | number>;
  revoke(body: object): Promise<{ readonly status: number; readonly code: string | undefined }>;
  logOut(token: string): Promise<{ readonly status: number; readonly code: string | undefined }>;
  status(): Promise<{ readonly revocations: { readonly held: number } }>;
  readiness(): Promise<{ readonly ready: boolean; readonly degraded: readonly string[] }>;
}

/** Real gateways on a real Redis, as many as are started. */
async function deploy(test: TestContext, server: RedisServer, url = server.url, more = '') {
  const files = await makeRoleFiles(test);
  await writeFile(
    files.file,
    `apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: main }
spec: { issuer: '${ISSUER}', audiences: ['${AUDIENCE}'], jwks: { inline: '${jwks(key)}' }, maxTokenLifetime: 1h }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: test }
spec:
  streams: [{ path: /events, guardRefs: [{ name: main }] }]
  drain: { lameDuck: 0s, window: 0s }
  redis: { urlSecretRef: { name: redis, key: url } }
  revocations: { tokenSecretRef: { name: revoker, key: token }${more} }
`,
  );
  await files.secret('redis', { url });
  await files.secret('revoker', { token: CREDENTIAL });
  const start = () => new RoleProcess(test, 'gateway', [files.file, '--secrets-dir', files.secretsDir]);

  async function startGateway(): Promise<Gateway> {
    const process = start();
    const [http, admin, revocations] = [
      await process.port('http'),
      await process.port('admin'),
      await process.port('revocations'),
    ];
    const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
    return {
      process,
      async listen(text) {
        const stream = await openStream(http, '/events', bearer(text));
        test.after(() => stream[Symbol.dispose]());
        assert.equal(stream.status, 200);
        return stream;
      },
      async code(text) {
        const response = await fetch(`http://127.0.0.1:${http}/events`, { headers: bearer(text) });
        if (response.status === 200) {
          await response.body?.cancel();
          return 200;
        }
        const { code }: { code: string } = JSON.parse(await response.text());
        return code;
      },
      revoke: (body) =>
        request(`http://127.0.0.1:${revocations}/revocations`, {
          method: 'POST',
          headers: { ...bearer(CREDENTIAL), 'content-type': 'application/json' },
          body: JSON.stringify({ guard: 'main', ...body }),
        }),
      logOut: (text) =>
        request(`http://127.0.0.1:${revocations}/backchannel-logout/main`, {
          method: 'POST',
          body: new URLSearchParams({ logout_token: text }),
        }),
      readiness: async () => JSON.parse((await request(`http://127.0.0.1:${admin}/readyz`)).body),
      status: async () => JSON.parse((await request(`http://127.0.0.1:${admin}/status`)).body),
    };
  }
  return { files, start, startGateway };
}

async function startServer(test: TestContext, options: Parameters<typeof startRedis>[0] = {}) {
  const server = await startRedis({ appendonly: false, ...options });
  test.after(() => server[Symbol.asyncDispose]());
  return server;
}

async function assertRevoked(stream: OpenStream): Promise<void> {
  assert.equal((await stream.next('end')).data, '{"reason":"revoked","reconnect":false}');
  assert.equal((await stream.ended).clean, true);
}

describe('a revocation at one of two gateways', { skip: noRedis }, () => {
  it('ends the streams of both, and is known to one that starts later, also when both are gone', async (test) => {
    const { startGateway } = await deploy(test, await startServer(test));
    const [a, b] = [await startGateway(), await startGateway()];
    const text = token();
    const [atA, atB, other] = [
      await a.listen(text),
      await b.listen(text),
      await b.listen(token({ sub: 'bob' })),
    ];
    assert.equal((await a.revoke({ subject: 'alice' })).status, 204);
    await Promise.all([atA, atB].map(assertRevoked));
    assert.equal(other.messages.filter(({ event }) => event === 'end').length, 0);
    assert.deepEqual([await a.code(text), await b.code(text)], ['revoked', 'revoked']);
    for (const { process } of [a, b]) process.child.kill('SIGKILL');
    await Promise.all([a, b].map(({ process }) => process.ended()));
    const c = await startGateway();
    assert.equal(await c.code(text), 'revoked');
    assert.equal(await c.code(token({ sub: 'bob' })), 200);
  });

  it('outlives a Redis that is flushed', async (test) => {
    const server = await startServer(test);
    const { startGateway } = await deploy(test, server);
    const a = await startGateway();
    const text = token();
    assert.equal((await a.revoke({ subject: 'alice' })).status, 204);
    await server.flush();
    assert.equal(await a.code(text), 'revoked');
    await eventually(async () => assert.equal(await server.cli('HLEN', `${PREFIX}revocations`), '1'));
    const b = await startGateway();
    assert.equal(await b.code(text), 'revoked');
  });

  it('is refused while Redis is away, with nothing half done, and done when it is back', async (test) => {
    const server = await startServer(test);
    const { startGateway } = await deploy(test, server);
    const a = await startGateway();
    const b = await startGateway();
    const text = token();
    const [atA, atB] = [await a.listen(text), await b.listen(text)];
    await server.kill();
    await eventually(async () => {
      const { status, code } = await a.revoke({ subject: 'alice' });
      assert.deepEqual([status, code], [503, 'revocations_unavailable']);
    });
    assert.deepEqual(
      [...atA.messages, ...atB.messages].filter(({ event }) => event === 'end'),
      [],
    );
    await eventually(async () => {
      const { ready, degraded } = await b.readiness();
      assert.equal(ready, true);
      assert.ok(degraded.includes('revocations can not be checked'));
    });
    await server.start();
    await eventually(async () => assert.equal((await a.revoke({ subject: 'alice' })).status, 204));
    await Promise.all([atA, atB].map(assertRevoked));
  });

  it('by a logout token may be repeated at another gateway, and its id is for no other token', async (test) => {
    const { startGateway } = await deploy(test, await startServer(test));
    const [a, b] = [await startGateway(), await startGateway()];
    const atB = await b.listen(token({ sid: 's1' }));
    const logout = token({ sid: 's1', jti: 'one', events: { [EVENT]: {} } });
    assert.equal((await a.logOut(logout)).status, 200);
    await assertRevoked(atB);
    assert.equal((await b.logOut(logout)).status, 200);
    const other = await b.logOut(token({ sid: 's2', jti: 'one', events: { [EVENT]: {} } }));
    assert.deepEqual([other.status, other.code], [400, 'repeated_logout_token']);
  });
});

describe('the port of revocations with a certificate', { skip: noRedis }, () => {
  it('speaks TLS alone, and takes another certificate when the files have one', async (test) => {
    const server = await startServer(test);
    const tls = ', tls: { secretName: certificate }';
    const { files, start } = await deploy(test, server, server.url, tls);
    const [first, second] = [
      await makeCertificates(await temporaryDirectory(test)),
      await makeCertificates(await temporaryDirectory(test)),
    ];
    const show = ({ server: { cert, key: pem } }: Certificates) =>
      files.secret('certificate', { 'tls.crt': cert, 'tls.key': pem });
    await show(first);
    const process = start();
    const port = await process.port('revocations');
    const revoke = (scheme: string, { directory }: Certificates) =>
      revokeCommand(
        ...['--url', `${scheme}://localhost:${port}`, '--ca', join(directory, 'ca.crt')],
        ...['--token-file', join(files.secretsDir, 'revoker', 'token'), '--guard', 'main', '--subject', 'a'],
      );
    assert.equal(await revoke('https', first), 0);
    assert.equal(await revoke('https', second), 3);
    assert.equal(await revoke('http', first), 3);
    await show(second);
    await eventually(async () => assert.equal(await revoke('https', second), 0));
  });
});

/** Its exit code. */
function revokeCommand(...args: string[]): Promise<unknown> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'revoke', ...args], (error) => resolve(error === null ? 0 : error.code));
  });
}

describe('a gateway that starts', { skip: noRedis }, () => {
  it('has every revocation by the time it listens', async (test) => {
    const server = await startServer(test);
    const { startGateway } = await deploy(test, server);
    const amount = 20_000;
    // Names as long as hashes, made there: twenty thousand of them.
    await server.cli(
      'EVAL',
      `for i = 1, ${amount} do redis.call('HSET', KEYS[1], string.format('%043d', i), '1 ${Date.now() + 3_600_000}') end
       redis.call('SET', KEYS[2], 'version')`,
      '2',
      `${PREFIX}revocations`,
      `${PREFIX}revocations:version`,
    );
    const { status } = await startGateway();
    assert.equal((await status()).revocations.held, amount);
  });

  it('does not listen without them: it ends with 3 and says why', async (test) => {
    const rules = gatewayAcl(PREFIX).filter((rule) => rule !== '+hscan');
    const server = await startServer(test, { users: [`user gateway on >secret ${rules.join(' ')}`] });
    const { start } = await deploy(test, server, server.urlAs('gateway', 'secret'));
    const process = start();
    assert.equal(await process.ended(), 3);
    assert.match(process.err, /Redis can not be used: NOPERM\n$/);
    assert.deepEqual(
      process.messages.filter(({ message }) => message === 'listening'),
      [],
    );
  });
});
