import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { gatewayAcl, ingestAcl } from '../../src/bus/keys.ts';
import { eventually } from '../support/eventually.ts';
import { openStream } from '../support/open-stream.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { makeRoleFiles, type RoleFiles, RoleProcess } from '../support/role-process.ts';

const PREFIX = 'tidegate:{test}:';
const SECRETS = ['first-Qx1/?', 'second-Qx2%#', 'third-Qx3@:'] as const;
const [FIRST, SECOND, THIRD] = SECRETS;
const CHANGED = 'redis settings changed, connecting anew';
const UNREADABLE = 'redis settings can not be read, the last good ones stay';

interface Deployment {
  readonly server: RedisServer;
  readonly files: RoleFiles;
  readonly processes: readonly [gateway: RoleProcess, ingest: RoleProcess];
  /** What a client at the gateway has been sent. */
  received(): readonly string[];
  publish(data: string): Promise<void>;
  /** The users' passwords, from now on. */
  setPassword(password: string): Promise<void>;
  /** The Secret, as Kubernetes changes it. */
  setUrl(url: string): Promise<void>;
  urlWith(password: string): string;
}

/** A gateway with a client, and an ingest, both as one user whose password and URL can be changed. */
async function deploy(test: TestContext): Promise<Deployment> {
  const rules = [...new Set([...ingestAcl(PREFIX), ...gatewayAcl(PREFIX)])].filter((rule) =>
    /^[+~&]/.test(rule),
  );
  const user = (password: string) => ['resetpass', `>${password}`];
  const server = await startRedis({
    appendonly: 'always',
    users: [
      'user default off',
      `user events on ${user(FIRST).join(' ')} resetchannels -@all ${rules.join(' ')}`,
    ],
  });
  test.after(() => server[Symbol.asyncDispose]());
  const files = await makeRoleFiles(test);
  await files.configure('{ urlSecretRef: { name: redis, key: url } }');
  const urlWith = (password: string) => server.urlAs('events', password);
  const setUrl = (url: string) => files.secret('redis', { url: `${url}\n` });
  await setUrl(urlWith(FIRST));
  const args = [files.file, '--secrets-dir', files.secretsDir, '--log-level', 'debug'];
  const gateway = new RoleProcess(test, 'gateway', args);
  const ingest = new RoleProcess(test, 'ingest', args);
  const stream = await openStream(await gateway.port('http'), '/events');
  test.after(() => stream[Symbol.dispose]());
  const publishUrl = `http://127.0.0.1:${await ingest.port('publish')}/publish`;
  return {
    server,
    files,
    processes: [gateway, ingest],
    received: () => Array.from(stream.body().matchAll(/^data:(.*)$/gm), ([, data = '']) => data),
    async publish(data) {
      const response = await fetch(publishUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ data, ref: data }),
      });
      const reply = await response.text();
      assert.match(reply, /"id":/, reply);
    },
    async setPassword(password) {
      await server.cli('ACL', 'SETUSER', 'events', ...user(password));
      // A connection outlives its password; a restart, or an administrator, ends it.
      await server.cli('CLIENT', 'KILL', 'USER', 'events');
    },
    setUrl,
    urlWith,
  };
}

function assertNoSecret({ processes }: Deployment): void {
  for (const { err, out } of processes) {
    for (const secret of SECRETS) {
      assert.ok(!`${err}${out}`.includes(secret.slice(0, 9)), 'a secret is in the log');
    }
    assert.ok(!err.includes('redis://events'), 'the URL is in the log');
  }
}

describe('the file with the Redis URL', { skip: noRedis }, () => {
  it('may change: running processes connect anew, and no event is lost', async (test) => {
    const deployment = await deploy(test);
    const { processes, publish, received, setPassword, setUrl, urlWith } = deployment;
    const sent: string[] = [];
    let going = true;
    const publishing = (async () => {
      while (going) {
        const data = `event ${sent.length}`;
        await publish(data);
        sent.push(data);
        await wait(5);
      }
    })();
    try {
      for (const [times, password] of [SECOND, THIRD].entries()) {
        await eventually(() => assert.ok(sent.length > (times + 1) * 20));
        await setPassword(password);
        await setUrl(urlWith(password));
        for (const each of processes) await each.logged(CHANGED, times + 1);
        const before = sent.length;
        await eventually(() => assert.ok(sent.length > before + 10));
      }
    } finally {
      going = false;
    }
    await publishing;
    await eventually(() => assert.equal(received().at(-1), sent.at(-1)));
    assert.deepEqual(received(), sent);
    assertNoSecret(deployment);
  });

  it('is asked for again by a process only when it has changed', async (test) => {
    const deployment = await deploy(test);
    await deployment.setUrl(deployment.urlWith(FIRST));
    // Longer than twice the time after which the file is read again.
    await wait(2500);
    for (const each of deployment.processes) assert.ok(!each.err.includes(CHANGED));
  });

  it('may be bad or missing for a while: the last good one stays, which is told once', async (test) => {
    const deployment = await deploy(test);
    const { processes, publish, received, files, setUrl, urlWith } = deployment;
    await publish('before');
    await setUrl(`http://${SECOND}`);
    for (const each of processes) await each.logged(UNREADABLE);
    await publish('with a bad one');
    await wait(2500);
    for (const { messages } of processes) {
      assert.equal(messages.filter(({ message }) => message === UNREADABLE).length, 1);
    }
    // The Secret without its key.
    await files.secret('redis', { other: 'x' });
    for (const each of processes) await each.logged(UNREADABLE, 2);
    await publish('with none');
    // Another way to the same server.
    await setUrl(urlWith(FIRST).replace('127.0.0.1', 'localhost'));
    for (const each of processes) await each.logged(CHANGED);
    await publish('after');
    await eventually(() => assert.deepEqual(received(), ['before', 'with a bad one', 'with none', 'after']));
    // Good for a while, then bad in the same way: that is news.
    await setUrl(`http://${SECOND}`);
    for (const each of processes) await each.logged(UNREADABLE, 3);
    assertNoSecret(deployment);
  });
});
