import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Redis, type RedisOptions } from 'ioredis';
import { noSetpriv } from '../support/bound-to-run.ts';
import { eventually } from '../support/eventually.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const streamLength = (server: RedisServer): Promise<string> => server.cli('XLEN', 'log');
const append = (server: RedisServer): Promise<string> => server.cli('XADD', 'log', '*', 'd', 'x');

describe('a Redis server', { skip: noRedis }, () => {
  it('keeps its port and data over an orderly restart and over a kill', async () => {
    for (const appendonly of ['always', 'everysec'] as const) {
      await using server = await startRedis({ appendonly });
      const { url } = server;
      await append(server);
      await server.restart();
      await append(server);
      await server.kill();
      assert.equal(server.running, false);
      await server.restart();
      assert.deepEqual([await streamLength(server), server.url], ['2', url], appendonly);
    }
  });

  it('without an append-only file keeps them over an orderly restart alone', async () => {
    await using server = await startRedis({ appendonly: false });
    await append(server);
    await server.restart();
    await append(server);
    assert.equal(await streamLength(server), '2');
    await server.kill();
    await server.restart();
    assert.equal(await streamLength(server), '1');
  });

  it('goes back in time', async () => {
    for (const appendonly of ['always', false] as const) {
      await using server = await startRedis({ appendonly });
      const first = await append(server);
      const snapshot = await server.snapshot();
      await append(server);
      await server.restoreSnapshot(snapshot);
      assert.equal(await server.cli('XREVRANGE', 'log', '+', '-', 'COUNT', '1'), `${first}\nd\nx`);
      await append(server);
      await server.restoreSnapshot(snapshot);
      assert.equal(await streamLength(server), '1', 'a snapshot serves more than once');
      await server.flush();
      assert.equal(await streamLength(server), '0');
    }
  });

  it('paused, holds connections without an answer', async (test) => {
    await using server = await startRedis();
    const client = dial(test, server.url);
    await client.ping();
    server.pause();
    let answered = false;
    const answer = client.ping().then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual([answered, client.status], [false, 'ready']);
    server.resume();
    await answer;
  });

  it('knows users by their ACL', async (test) => {
    await using server = await startRedis({
      users: ['user default off', 'user reader on >pass/word ~log +xlen +auth +hello +info +client'],
    });
    await append(server);
    const reader = dial(test, server.urlAs('reader', 'pass/word'));
    assert.equal(await reader.xlen('log'), 1);
    await assert.rejects(reader.xadd('log', '*', 'd', 'x'), /NOPERM/);
    const stranger = dial(test, server.url, { retryStrategy: () => null });
    await assert.rejects(stranger.get('log'), /NOAUTH/);
  });

  it('speaks TLS alone, and on request only to its clients', async (test) => {
    await using open = await startRedis({ tls: true });
    assert.match(open.url, /^rediss:/);
    const ca = open.certificates?.ca ?? '';
    const trusting = dial(test, open.url, { tls: { ca } });
    assert.equal(await trusting.ping(), 'PONG');
    await assert.rejects(connected(open.url, { tls: {} }), /certificate/);

    await using mutual = await startRedis({ tls: 'mutual', password: 'secret' });
    const tls = { ca: mutual.certificates?.ca ?? '' };
    await assert.rejects(connected(mutual.url, { tls }));
    const known = dial(test, mutual.url, { tls: { ...tls, ...mutual.certificates?.client } });
    assert.equal(await known.ping(), 'PONG');
    assert.equal(await mutual.cli('PING'), 'PONG');
  });

  it('replicates, also through a proxy and over TLS', async () => {
    await using master = await startRedis({ password: 'secret', tls: true });
    await using proxy = await startProxy(master.port);
    const { port } = proxy;
    const { password, certificates } = master;
    await using replica = await startRedis({
      tls: true,
      ...(certificates === undefined ? {} : { certificates }),
      replicaOf: { port, password },
    });
    proxy.stall('toClient');
    await append(master);
    assert.equal(await streamLength(replica), '0');
    proxy.flow();
    await eventually(async () => assert.equal(await streamLength(replica), '1'));
  });

  it('that does not start says why', async () => {
    await assert.rejects(
      startRedis({ config: ['no-such-directive yes'] }),
      /ended with 1; its log:[\s\S]*no-such-directive/,
    );
  });

  it('is gone, with its directory, when disposed of, paused or not', async () => {
    const server = await startRedis();
    const directory = (await server.cli('CONFIG', 'GET', 'dir')).split('\n')[1] ?? '';
    const { pid = 0 } = server;
    server.pause();
    assert.ok(existsSync(directory));
    await server[Symbol.asyncDispose]();
    assert.equal(existsSync(directory), false);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

describe('a run that is itself killed', { skip: noRedis || noSetpriv }, () => {
  it('leaves no server behind', async () => {
    const module = join(import.meta.dirname, '..', 'support', 'redis', 'redis-server.ts');
    const script = `
      const { startRedis } = await import(${JSON.stringify(pathToFileURL(module).href)});
      const server = await startRedis();
      console.log(server.port, (await server.cli('CONFIG', 'GET', 'dir')).split('\\n')[1]);
      setInterval(() => {}, 1000);`;
    const run = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line]: unknown[] = await once(run.stdout.setEncoding('utf8'), 'data');
    const [port = '', directory = ''] = String(line).trim().split(' ');
    await reach(Number(port));
    run.kill('SIGKILL');
    await eventually(() => assert.rejects(reach(Number(port)), { code: 'ECONNREFUSED' }));
    await rm(directory, { recursive: true });
  });
});

/** Its own type allows an undefined `replyMapping`, which its constructor does not. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** A client that ends with its test. */
function dial(test: TestContext, url: string, options: Options = {}): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: null, ...options });
  client.on('error', () => {});
  test.after(() => client.disconnect());
  return client;
}

/** What the first try to connect ends in. */
async function connected(url: string, options: Options): Promise<void> {
  const client = new Redis(url, { ...options, retryStrategy: () => null, lazyConnect: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.on('error', reject);
  client.on('ready', resolve);
  try {
    // `connect()` rejects with "Connection is closed" alone; the event has the cause.
    await Promise.all([client.connect().catch(() => {}), promise]);
  } finally {
    client.disconnect();
  }
}

async function reach(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.destroy();
}
