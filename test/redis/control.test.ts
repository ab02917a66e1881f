import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import { RedisControl } from '../../src/bus/redis-control.ts';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { parseRedisUrl } from '../../src/bus/redis-url.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { PREFIX } from '../support/redis/bus-process.ts';
import { startCluster } from '../support/redis/redis-cluster.ts';
import { startSentinel } from '../support/redis/redis-sentinel.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

/** A gateway process, as far as others can ask it something. It replies `POD heard QUESTION`. */
interface Pod {
  readonly link: RedisLink;
  readonly control: RedisControl;
  readonly log: string[];
}

async function startPod(
  test: TestContext,
  url: string,
  name: string,
  clock: Clock = systemClock,
): Promise<Pod> {
  const log: string[] = [];
  const observer = { reconnected() {}, backfilled() {}, probed() {} };
  const parts = { clock, random: Math.random, log: createLog('warn', (line) => log.push(line)), observer };
  const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix: PREFIX }, parts);
  const control = new RedisControl(link, parts, name);
  control.onQuestion(async (question) => `${name} heard ${question}`);
  test.after(async () => {
    await control.stop();
    link.stop();
  });
  link.start();
  await until(() => link.up);
  return { link, control, log };
}

const silentAfter = async (asked: Promise<{ readonly kind: string }>) => {
  const sinceMs = systemClock.monotonicMs();
  const { kind } = await asked;
  return { kind, afterMs: systemClock.monotonicMs() - sinceMs };
};

let shared: Promise<RedisServer> | undefined;
after(async () => (await shared)?.[Symbol.asyncDispose]());
let names = 0;

/** Pods of names of their own on one server, which no test breaks. */
async function startPods(test: TestContext) {
  shared ??= startRedis({ appendonly: false });
  const server = await shared;
  const start = (clock?: Clock) => startPod(test, server.url, `pod-${++names}.x_Y`, clock);
  // For it a second never ends: whatever it does not wait for is told all the same.
  return { server, a: await start(), b: await start(), timeless: await start(new FakeClock()) };
}

/** Resolves when Redis has noticed that nobody listens to it any more. */
function gone(server: RedisServer, { control }: Pod): Promise<void> {
  const channel = `${PREFIX}control:${control.pod}`;
  return eventually(async () => {
    assert.equal(await server.cli('PUBSUB', 'NUMSUB', channel), `${channel}\n0`);
  });
}

describe('a question to another process', { skip: noRedis }, () => {
  it('is replied to, at both at once, each with its own', async (test) => {
    const { a, b } = await startPods(test);
    const texts = ['', ' ', '? x y z', 'line\nline\n', '"😀"\0', 'x'.repeat(100_000)];
    const asked = texts.flatMap((text) => [
      a.control.ask(b.control.pod, text),
      b.control.ask(a.control.pod, text),
    ]);
    assert.deepEqual(
      await Promise.all(asked),
      texts.flatMap((text) => [
        { kind: 'reply', text: `${b.control.pod} heard ${text}` },
        { kind: 'reply', text: `${a.control.pod} heard ${text}` },
      ]),
    );
  });

  it('may be asked of itself', async (test) => {
    const { a } = await startPods(test);
    assert.deepEqual(await a.control.ask(a.control.pod, 'me'), {
      kind: 'reply',
      text: `${a.control.pod} heard me`,
    });
  });

  it('that never was is not waited for', async (test) => {
    const { timeless } = await startPods(test);
    assert.equal((await timeless.control.ask('nobody', 'x')).kind, 'unregistered');
  });

  it('that has stopped is not waited for', async (test) => {
    const { timeless, b, server } = await startPods(test);
    await b.control.stop();
    b.link.stop();
    await gone(server, b);
    assert.equal((await timeless.control.ask(b.control.pod, 'x')).kind, 'unregistered');
  });

  it('that was killed is waited for while its lease lasts, and then no more', async (test) => {
    const { a, b, timeless, server } = await startPods(test);
    b.link.stop();
    await gone(server, b);
    const lease = `${PREFIX}pod:${b.control.pod}`;
    const seconds = Number(await server.cli('TTL', lease));
    assert.ok(seconds > 0 && seconds <= 10, `${seconds}`);
    assert.equal((await silentAfter(a.control.ask(b.control.pod, 'x'))).kind, 'silent');
    await server.cli('DEL', lease);
    assert.equal((await timeless.control.ask(b.control.pod, 'x')).kind, 'unregistered');
  });

  for (const [name, reply] of [
    ['does not reply', () => new Promise<string>(() => {})],
    ['fails to reply', () => Promise.reject(new Error('no'))],
  ] as const) {
    it(`that ${name} is silent after a second, and not before`, async (test) => {
      const { a, b } = await startPods(test);
      b.control.onQuestion(reply);
      const { kind, afterMs } = await silentAfter(a.control.ask(b.control.pod, 'x'));
      assert.equal(kind, 'silent');
      assert.ok(afterMs >= 990, `${afterMs} ms`);
      assert.deepEqual(b.log, []);
    });
  }

  it('whose connections hang is silent while its lease lasts, and then unregistered', async (test) => {
    const { a, server } = await startPods(test);
    const proxy = await startProxy(server.port);
    test.after(() => proxy[Symbol.asyncDispose]());
    const b = await startPod(test, `redis://127.0.0.1:${proxy.port}`, 'stalled');
    // Its lease is on its way when its connections are there.
    await eventually(async () => assert.equal(await server.cli('EXISTS', `${PREFIX}pod:stalled`), '1'));
    proxy.stall();
    const { kind, afterMs } = await silentAfter(a.control.ask('stalled', 'x'));
    assert.equal(kind, 'silent');
    assert.ok(afterMs >= 990, `${afterMs} ms`);
    // As when the machine is gone: Redis still has a subscriber.
    await server.cli('DEL', `${PREFIX}pod:stalled`);
    assert.equal((await a.control.ask('stalled', 'x')).kind, 'unregistered');
    proxy.flow();
    await until(() => b.link.up);
    await eventually(async () => assert.equal((await a.control.ask('stalled', 'y')).kind, 'reply'));
  });

  it('fails at once when Redis is away', async (test) => {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const { control, link } = await startPod(test, server.url, 'a');
    await server.kill();
    await until(() => !link.up);
    await assert.rejects(control.ask('b', 'x'), BusError);
    await assert.rejects(control.holders('x'), BusError);
    assert.doesNotThrow(() => control.hold('x', true));
  });
});

describe('a message on a control channel', { skip: noRedis }, () => {
  it('that is not ours is told of and ignored', async (test) => {
    const { a, b, server } = await startPods(test);
    const channel = `${PREFIX}control:${b.control.pod}`;
    const foreign = ['', 'x', '?', '? a', '? a b', '! a', '? a/b c d', '?? a b c', '{"kind":"subject"}'];
    for (const message of foreign) await server.cli('PUBLISH', channel, message);
    // A reply to nothing, as one that comes late.
    await server.cli('PUBLISH', channel, '! unknown x applied');
    assert.equal((await a.control.ask(b.control.pod, 'x')).kind, 'reply');
    assert.equal(b.log.length, foreign.length);
    for (const line of b.log)
      assert.equal(JSON.parse(line).message, 'a message on the control channel is not ours');
  });

  it('from one that is not there is replied to in vain', async (test) => {
    const { a, b, server } = await startPods(test);
    await server.cli('PUBLISH', `${PREFIX}control:${b.control.pod}`, '? correlation nobody x');
    assert.equal((await a.control.ask(b.control.pod, 'x')).kind, 'reply');
  });
});

describe('who holds streams of a name', { skip: noRedis }, () => {
  const name = 'main\0alice';

  async function assertHolders(asking: Pod, holding: string, pods: readonly Pod[]): Promise<void> {
    const expected = pods.map(({ control }) => control.pod).toSorted();
    await eventually(async () =>
      assert.deepEqual((await asking.control.holders(holding)).toSorted(), expected),
    );
  }

  it('is known everywhere, and forgotten when it holds none any more', async (test) => {
    const { a, b } = await startPods(test);
    await assertHolders(a, 'first', []);
    a.control.hold('first', true);
    b.control.hold('first', true);
    b.control.hold('second', true);
    await assertHolders(a, 'first', [a, b]);
    await assertHolders(b, 'first', [a, b]);
    await assertHolders(a, 'second', [b]);
    b.control.hold('first', false);
    await assertHolders(a, 'first', [a]);
    for (let i = 0; i < 50; i++) a.control.hold('first', i % 2 === 0);
    await assertHolders(b, 'first', []);
    for (let i = 0; i < 51; i++) a.control.hold('first', i % 2 === 0);
    await assertHolders(b, 'first', [a]);
  });

  it('is forgotten too when it changed right before the process stopped', async (test) => {
    const { a, b, server } = await startPods(test);
    b.control.hold('last', true);
    await assertHolders(a, 'last', [b]);
    b.control.hold('last', false);
    await b.control.stop();
    const sets = (await server.cli('KEYS', `${PREFIX}holders:*`)).split('\n');
    for (const set of sets.filter((key) => key !== '')) {
      assert.equal(await server.cli('SISMEMBER', set, b.control.pod), '0');
    }
  });

  it('is kept under a hash that expires, not under the name', async (test) => {
    const { a, server } = await startPods(test);
    a.control.hold('tom@example.com', true);
    await assertHolders(a, 'tom@example.com', [a]);
    const keys = (await server.cli('KEYS', '*')).split('\n');
    assert.ok(keys.length > 0);
    assert.ok(!keys.some((key) => key.includes('tom')));
    for (const key of keys) {
      const seconds = Number(await server.cli('TTL', key));
      assert.ok(seconds > 0 && seconds <= 7200, `${key} ${seconds}`);
    }
  });

  it('is not one whose lease is gone, and that is cleared away', async (test) => {
    const { a, b, server } = await startPods(test);
    b.control.hold('dead', true);
    await assertHolders(a, 'dead', [b]);
    b.link.stop();
    await server.cli('DEL', `${PREFIX}pod:${b.control.pod}`);
    await assertHolders(a, 'dead', []);
    const sets = (await server.cli('KEYS', `${PREFIX}holders:*`)).split('\n');
    for (const set of sets.filter((key) => key !== '')) {
      assert.equal(await server.cli('SISMEMBER', set, b.control.pod), '0');
    }
  });

  /** On a server and behind a proxy of their own. */
  async function breakable(test: TestContext) {
    const server = await startRedis({ appendonly: false });
    test.after(() => server[Symbol.asyncDispose]());
    const proxy = await startProxy(server.port);
    test.after(() => proxy[Symbol.asyncDispose]());
    const url = `redis://127.0.0.1:${proxy.port}`;
    const [a, b] = [await startPod(test, url, 'a'), await startPod(test, url, 'b')];
    a.control.hold(name, true);
    await assertHolders(b, name, [a]);
    return { server, proxy, a, b };
  }

  it('is told again after Redis has forgotten everything and connections were cut', async (test) => {
    const { server, proxy, a, b } = await breakable(test);
    await server.flush();
    proxy.cut();
    await assertHolders(b, name, [a]);
    assert.equal((await b.control.ask('a', 'x')).kind, 'reply');
  });

  it('is told again after Redis has forgotten everything, also without a new connection', async (test) => {
    const { server, a, b } = await breakable(test);
    await server.flush();
    await assertHolders(b, name, [a]);
  });

  it('is told again to a Redis that comes back with nothing', async (test) => {
    const { server, a, b } = await breakable(test);
    await server.kill();
    await server.start();
    await assertHolders(b, name, [a]);
    assert.equal((await b.control.ask('a', 'x')).kind, 'reply');
  });

  it('is made up for when it changes while Redis is away', async (test) => {
    const { proxy, a, b } = await breakable(test);
    await proxy.refuse();
    proxy.cut();
    await until(() => !a.link.up && !b.link.up);
    a.control.hold(name, false);
    a.control.hold('later', true);
    a.control.hold('short', true);
    a.control.hold('short', false);
    await proxy.accept();
    await assertHolders(b, 'later', [a]);
    await assertHolders(b, name, []);
    await assertHolders(b, 'short', []);
  });

  it('may be very many, told again in pieces', async (test) => {
    const { server, proxy, a, b } = await breakable(test);
    for (let i = 0; i < 2500; i++) a.control.hold(`${i}`, true);
    await assertHolders(b, '2499', [a]);
    await server.flush();
    proxy.cut();
    for (const each of ['0', '499', '500', '2499']) await assertHolders(b, each, [a]);
  });
});

for (const [kind, start] of [
  ['Redis Sentinel', startSentinel],
  ['Redis Cluster', startCluster],
] as const) {
  describe(`control through ${kind}`, { skip: noRedis }, () => {
    it('asks, and knows who holds what', async (test) => {
      const server = await start({ appendonly: false });
      test.after(() => server[Symbol.asyncDispose]());
      const [a, b] = [await startPod(test, server.url, 'a'), await startPod(test, server.url, 'b')];
      assert.deepEqual(await a.control.ask('b', 'x'), { kind: 'reply', text: 'b heard x' });
      assert.deepEqual(await b.control.ask('a', 'y'), { kind: 'reply', text: 'a heard y' });
      assert.equal((await a.control.ask('nobody', 'x')).kind, 'unregistered');
      b.control.hold('name', true);
      await eventually(async () => assert.deepEqual(await a.control.holders('name'), ['b']));
    });
  });
}
