import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import { type AclRules, gatewayAcl, ingestAcl } from '../../src/bus/keys.ts';
import { RedisControl } from '../../src/bus/redis-control.ts';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { parseRedisUrl } from '../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { LoggedEvent } from '../../src/core/event.ts';
import { silentLog as log } from '../../src/core/log.ts';
import { event } from '../bus/contract.ts';
import { followed, names, revocation } from '../bus/revocation-contract.ts';
import { eventually } from '../support/eventually.ts';
import { PREFIX, startBus } from '../support/redis/bus-process.ts';
import { redisCli } from '../support/redis/redis-cli.ts';
import { startCluster } from '../support/redis/redis-cluster.ts';
import { noRedis, type RedisServer, startRedis } from '../support/redis/redis-server.ts';
import { startRevocations } from '../support/redis/revocation-process.ts';
import { until } from '../support/until.ts';

interface Login {
  readonly user: string;
  readonly password: string;
}

const INGEST: Login = { user: 'ingest', password: 'i/n+g' };
const GATEWAY: Login = { user: 'gateway', password: 'g:@w' };
const OBSERVER = { reconnected() {}, backfilled() {}, probed() {} };

async function startPod(test: TestContext, url: string, prefix: string, name: string) {
  const parts = { clock, random: Math.random, log, observer: OBSERVER };
  const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix }, parts);
  const control = new RedisControl(link, parts, name);
  control.onQuestion(async (question) => `${name} heard ${question}`);
  const stop = async () => {
    await control.stop();
    link.stop();
  };
  test.after(stop);
  link.start();
  await until(() => link.up, `${name} is up`);
  return { control, stop };
}

interface Rig {
  readonly ingestUrl: string;
  readonly gatewayUrl: string;
  readonly prefix: string;
  /** A command as somebody with every right. */
  cli(...args: string[]): Promise<string>;
}

/** Everything that the two roles do to Redis, as promised of them. */
async function doEverything(test: TestContext, { ingestUrl, gatewayUrl, prefix, cli }: Rig): Promise<void> {
  const bus = await startBus(test, ingestUrl, {
    followUrl: gatewayUrl,
    prefix,
    maxBytes: 200_000,
    maxStallMs: 5000,
  });
  const seen: LoggedEvent[] = [];
  let lost = 0;
  const follower = {
    begin() {},
    event: (each: LoggedEvent) => void seen.push(each),
    lost: () => void lost++,
  };
  const early = await bus.publish(event('early'));
  await bus.follow(follower, { eventsMax: 10, bytesMax: 1e6 });
  const once = await bus.publish(event('once'), 'key');
  assert.equal(await bus.publish(event('once'), 'key'), once);
  await eventually(() =>
    assert.deepEqual(
      seen.map(({ data }) => data),
      ['early', 'once'],
    ),
  );
  assert.equal((await bus.read(early, 10)).events.length, 1);
  await eventually(() => assert.ok(bus.seen.probesMs.length > 0));

  // What the server has forgotten is loaded again, and a writer looks for what it had under way.
  await cli('SCRIPT', 'FLUSH');
  await Promise.all(Array.from({ length: 300 }, (_, i) => bus.publish(event(`${i}`.padEnd(1000)))));
  await cli('SCRIPT', 'FLUSH');
  await eventually(async () => {
    const probes = bus.seen.probesMs.length;
    await eventually(() => assert.ok(bus.seen.probesMs.length > probes));
  });
  // Trimmed by age and by bytes.
  await eventually(async () => assert.ok(Number(await cli('XLEN', `${prefix}log`)) < 302));
  // A log that has lost its end is raised by those who know of it: the gateway by its probe.
  await cli('DEL', `${prefix}log`, `${prefix}head`, `${prefix}generation`);
  await eventually(() => assert.ok(lost > 0));
  const last = await bus.publish(event('last'));
  await eventually(() => assert.equal(seen.at(-1)?.id, last));

  const [a, b] = [
    await startPod(test, gatewayUrl, prefix, 'a'),
    await startPod(test, gatewayUrl, prefix, 'b'),
  ];
  assert.deepEqual(await a.control.ask('b', 'x'), { kind: 'reply', text: 'b heard x' });
  assert.equal((await a.control.ask('nobody', 'x')).kind, 'unregistered');
  b.control.hold('name', true);
  await eventually(async () => assert.deepEqual(await a.control.holders('name'), ['b']));
  b.control.hold('name', false);
  await eventually(async () => assert.deepEqual(await a.control.holders('name'), []));
  await Promise.all([a.stop(), b.stop()]);
  assert.equal(await cli('EXISTS', `${prefix}pod:a`), '0', 'its lease went with it');

  const [one, two] = [
    await startRevocations(test, gatewayUrl, { prefix }),
    await startRevocations(test, gatewayUrl, { prefix }),
  ];
  const held = await followed(two.store);
  await one.store.put([revocation('long')]);
  const short = [revocation('short', 200)];
  assert.equal(await one.store.put(short, { key: 'id', mark: 'm', forMs: 1000 }), 'stored');
  await eventually(async () => {
    await one.store.put([revocation('other')]);
    assert.equal(await cli('HLEN', `${prefix}revocations`), '2', 'the dead are gone');
  });
  await eventually(() => assert.deepEqual(names(held), ['long', 'other']));
}

/** Which of these commands the server has run since its statistics were reset, from scripts too. */
async function commandsRun(cli: Rig['cli'], among: readonly string[]): Promise<readonly string[]> {
  const stats = await cli('INFO', 'commandstats');
  const names = Array.from(stats.matchAll(/^cmdstat_([^:]+):calls=[1-9]/gm), ([, name = '']) => name);
  return names.filter((name) => among.includes(name));
}

function commandsIn(...rules: readonly AclRules[]): readonly string[] {
  return [...new Set(rules.flat().flatMap((rule) => (rule.startsWith('+') ? [rule.slice(1)] : [])))];
}

async function grant(cli: Rig['cli'], { user, password }: Login, rules: AclRules): Promise<void> {
  await cli('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, ...rules);
}

/** Of a server that has these roles as users, and database 1. */
async function start(test: TestContext): Promise<{ server: RedisServer; rig: Rig }> {
  const server = await startRedis({
    appendonly: false,
    users: [
      'user default off',
      `user ${INGEST.user} on >${INGEST.password} ${ingestAcl(PREFIX).join(' ')}`,
      `user ${GATEWAY.user} on >${GATEWAY.password} ${gatewayAcl(PREFIX).join(' ')}`,
    ],
  });
  test.after(() => server[Symbol.asyncDispose]());
  const url = ({ user, password }: Login) => `${server.urlAs(user, password)}/1`;
  const cli = (...args: string[]) => server.cli('-n', '1', ...args);
  return { server, rig: { ingestUrl: url(INGEST), gatewayUrl: url(GATEWAY), prefix: PREFIX, cli } };
}

describe('the least rights', { skip: noRedis }, () => {
  it('suffice for all that ingest and gateway do, which uses each of them', async (test) => {
    const { server, rig } = await start(test);
    await server.cli('CONFIG', 'RESETSTAT');
    await doEverything(test, rig);
    assert.equal(await server.cli('ACL', 'LOG'), '', 'nothing was denied');
    // WAIT is the one that only a setting calls for.
    const bus = await startBus(test, rig.ingestUrl, {
      followUrl: rig.gatewayUrl,
      waitReplicas: 1,
      maxStallMs: 500,
    });
    await assert.rejects(bus.publish(event('x')), BusError);
    bus.stop();
    const listed = commandsIn(ingestAcl(PREFIX), gatewayAcl(PREFIX));
    assert.deepEqual((await commandsRun(server.cli.bind(server), listed)).toSorted(), listed.toSorted());
  });

  it('are the same with a prefix of characters that patterns have a meaning for', async (test) => {
    const { server, rig } = await start(test);
    const prefix = 'a*b?[c]\\ {d}:';
    await grant(server.cli.bind(server), INGEST, ingestAcl(prefix));
    await grant(server.cli.bind(server), GATEWAY, gatewayAcl(prefix));
    await doEverything(test, { ...rig, prefix });
    assert.equal(await server.cli('ACL', 'LOG'), '');
  });

  it('suffice on a cluster', async (test) => {
    const cluster = await startCluster({ appendonly: false });
    test.after(() => cluster[Symbol.asyncDispose]());
    for (const node of cluster.nodes) {
      await grant(node.cli.bind(node), INGEST, ingestAcl(PREFIX, 'cluster'));
      await grant(node.cli.bind(node), GATEWAY, gatewayAcl(PREFIX, 'cluster'));
    }
    const owner = await cluster.ownerOf(PREFIX);
    await owner.cli('CONFIG', 'RESETSTAT');
    const url = ({ user, password }: Login) =>
      cluster.url.replace('//', `//${user}:${encodeURIComponent(password)}@`);
    const cli = owner.cli.bind(owner);
    await doEverything(test, { ingestUrl: url(INGEST), gatewayUrl: url(GATEWAY), prefix: PREFIX, cli });
    for (const node of cluster.nodes) assert.equal(await node.cli('ACL', 'LOG'), '');
    const listed = commandsIn(ingestAcl(PREFIX, 'cluster'), gatewayAcl(PREFIX, 'cluster'));
    const run = new Set(await commandsRun(cli, listed));
    // Who owns the slot is asked of the first node, which need not be the owner.
    const asked = await commandsRun(cluster.nodes[0]?.cli.bind(cluster.nodes[0]) ?? cli, listed);
    for (const each of asked.filter((name) => name.startsWith('cluster'))) run.add(each);
    assert.deepEqual([...run].toSorted(), listed.filter((name) => name !== 'wait').toSorted());
  });

  const live = `${PREFIX}live`;
  const control = `${PREFIX}control:pod`;
  const forbidden: readonly (readonly [Login, ...command: string[]])[] = [
    [INGEST, 'PUBLISH', control, '? a b c'],
    [INGEST, 'SUBSCRIBE', control],
    [INGEST, 'SUBSCRIBE', live],
    [INGEST, 'PSUBSCRIBE', '*'],
    [INGEST, 'EVAL', `return redis.call('PUBLISH', '${control}', 'x')`, '0'],
    [INGEST, 'EVAL', `return redis.call('PUBLISH', KEYS[1], 'x')`, '1', control],
    [INGEST, 'GET', `${PREFIX}pod:a`],
    [INGEST, 'SET', `${PREFIX}pod:a`, ''],
    [INGEST, 'EXISTS', `${PREFIX}pod:a`],
    [INGEST, 'SMEMBERS', `${PREFIX}holders:a`],
    [INGEST, 'PUBSUB', 'CHANNELS'],
    [INGEST, 'PUBLISH', `${PREFIX}revoked`, '- v'],
    [INGEST, 'SUBSCRIBE', `${PREFIX}revoked`],
    [INGEST, 'EVAL', `return redis.call('DEL', KEYS[1])`, '1', `${PREFIX}revocations`],
    [INGEST, 'GET', `${PREFIX}revocations:version`],
    [GATEWAY, 'SET', `${PREFIX}writer:a`, '1'],
    [GATEWAY, 'GET', `${PREFIX}once:a`],
    [GATEWAY, 'PUBLISH', 'tidegate:{other}:live', 'x'],
    [GATEWAY, 'SUBSCRIBE', 'tidegate:{other}:live'],
    ...[INGEST, GATEWAY].flatMap((login) =>
      [
        ['GET', 'tidegate:{other}:head'],
        ['XRANGE', 'other', '-', '+'],
        ['KEYS', '*'],
        ['SCAN', '0'],
        ['FLUSHALL'],
        ['CONFIG', 'GET', '*'],
        ['CLIENT', 'LIST'],
        ['MONITOR'],
        ['SHUTDOWN'],
      ].map((command) => [login, ...command] as const),
    ),
  ];
  it('give no more: neither a word on the control channels to an ingest, nor anything of others', async (test) => {
    const { server } = await start(test);
    for (const [{ user, password }, ...command] of forbidden) {
      const asked = redisCli({ port: server.port, user, password }, command);
      await assert.rejects(asked, /NOPERM|can't publish to the channel/, `${user} ${command.join(' ')}`);
    }
  });

  it('are told of as such when they are lacking', async (test) => {
    const { rig } = await start(test);
    const parts = { clock, random: Math.random, log, observer: OBSERVER };
    const create = (url: string) => {
      const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix: PREFIX }, parts);
      test.after(() => link.stop());
      return link;
    };
    const [ingest, gateway] = [create(rig.ingestUrl), create(rig.gatewayUrl)];
    gateway.subscribe('elsewhere', () => {});
    ingest.start();
    gateway.start();
    await until(() => ingest.up);
    await assert.rejects(
      ingest.ask((redis) => redis.keys('*')),
      BusError,
    );
    assert.equal(ingest.fault, 'NOPERM');
    await until(() => gateway.fault === 'NOPERM');
    assert.equal(gateway.up, false);
  });
});
