import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Election, type ElectionSettings } from '../../src/kube/election.ts';
import type { HttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { LEASES, readTerm } from '../../src/kube/lease.ts';
import { type ControlPlane, givenKubeconfig, noControlPlane, startControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { until } from '../support/until.ts';
import { adminSettings, kubeClient } from './kube-parts.ts';

/** Short, but long enough for a machine that does other things as well. */
const TIMES = { leaseMs: 3_000, renewDeadlineMs: 2_000, retryMs: 250 };
const HOUR_MS = 3_600_000;

/** These tests stop the API server. */
const skip = noControlPlane || (givenKubeconfig !== undefined && 'the given cluster is not ours to break');

describe('an election on a real API server', { skip, timeout: 110_000 }, () => {
  let plane: ControlPlane;
  let client: HttpKubeClient;

  before(async () => {
    plane = await startControlPlane();
    client = kubeClient(await adminSettings(plane.kubeconfig));
  });
  after(async () => {
    client?.close();
    await plane?.[Symbol.asyncDispose]();
  });

  /** Candidates of one lease, which write down who leads from when to when. */
  function candidates(test: TestContext, lease: string) {
    const told: string[] = [];
    let leading = 0;
    const run = async (
      identity: string,
      clock: Clock = systemClock,
      times: Partial<ElectionSettings> = {},
    ) => {
      const settings = { namespace: 'default', name: lease, identity, ...TIMES, ...times };
      const lead = async (signal: AbortSignal) => {
        leading += 1;
        assert.equal(leading, 1, 'one leads');
        told.push(`${identity} leads`);
        if (!signal.aborted) await once(signal, 'abort');
        told.push(`${identity} ends`);
        leading -= 1;
      };
      const parts = { client, clock, random: Math.random, log: new RecordedLog() };
      const election = new Election(settings, lead, parts);
      test.after(() => election.stop());
      await election.start();
      return election;
    };
    const read = async () => readTerm(await client.get(LEASES, { namespace: 'default', name: lease }));
    return { told, run, read };
  }

  it('has one leader, and another at once when that one stops', async (test) => {
    const { told, run, read } = candidates(test, 'stops');
    const one = await run('one');
    await until(() => one.isLeading);
    const other = await run('other');
    await eventually(() => assert.equal(other.holder, 'one'));
    assert.deepEqual([other.isLeading, (await read()).holder], [false, 'one']);
    const stoppedAtMs = performance.now();
    await one.stop();
    await until(() => other.isLeading);
    assert.ok(performance.now() - stoppedAtMs < TIMES.leaseMs, 'it was released, and need not expire');
    assert.deepEqual(told, ['one leads', 'one ends', 'other leads']);
    assert.deepEqual([(await read()).holder, (await read()).transitions], ['other', 1]);
    await other.stop();
    assert.deepEqual([(await read()).holder, other.isLeading], [undefined, false]);
  });

  it('keeps its leader for longer than the lease', async (test) => {
    const { told, run, read } = candidates(test, 'keeps');
    const one = await run('one');
    await until(() => one.isLeading);
    await run('other');
    const { acquiredAt } = await read();
    const untilMs = performance.now() + 2 * TIMES.leaseMs;
    while (performance.now() < untilMs) {
      assert.ok(one.isLeading);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual([told, (await read()).acquiredAt], [['one leads'], acquiredAt]);
  });

  for (const [how, skewMs] of [
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ] as const) {
    it(`is not misled by a clock that is ${how}`, async (test) => {
      const { told, run } = candidates(test, `skewed-${how.replaceAll(' ', '-')}`);
      const one = await run('one');
      await until(() => one.isLeading);
      const skewed: Clock = {
        ...systemClock,
        now: () => epochMs(systemClock.now() + skewMs),
      };
      const other = await run('other', skewed);
      const untilMs = performance.now() + 1.5 * TIMES.leaseMs;
      while (performance.now() < untilMs) {
        assert.deepEqual([one.isLeading, other.isLeading], [true, false]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await one.stop();
      await until(() => other.isLeading);
      assert.deepEqual(told, ['one leads', 'one ends', 'other leads']);
    });
  }

  it('is won by another process when the leader is killed, not before its lease is over', async (test) => {
    const { told, run } = candidates(test, 'killed');
    const child = await runCandidate(test, plane.kubeconfig, 'killed');
    await until(() => child.lines.includes('leads'));
    const other = await run('other');
    await eventually(() => assert.equal(other.holder, 'child'));
    const killedAtMs = performance.now();
    child.process.kill('SIGKILL');
    await eventually(() => assert.ok(other.isLeading));
    // Its last renewal was seen at most one attempt of each before it was killed.
    assert.ok(performance.now() - killedAtMs > TIMES.leaseMs - 4 * TIMES.retryMs);
    assert.deepEqual(told, ['other leads']);
  });

  it('is lost by a leader that was frozen, which knows as soon as it wakes', async (test) => {
    const { run } = candidates(test, 'frozen');
    const child = await runCandidate(test, plane.kubeconfig, 'frozen');
    await until(() => child.lines.includes('leads'));
    const other = await run('other');
    child.process.kill('SIGSTOP');
    await eventually(() => assert.ok(other.isLeading));
    child.process.kill('SIGCONT');
    await until(() => child.lines.includes('ends'));
    assert.ok(other.isLeading);
    assert.ok(!child.lines.includes('writes after its time'), child.lines.join());
  });

  it('ends what is led before the lease is over when the API server is away, and goes on afterwards', async (test) => {
    const { told, run } = candidates(test, 'away');
    const one = await run('one');
    const other = await run('other');
    await until(() => one.isLeading || other.isLeading);
    const [leader] = told;
    await plane.stop('kube-apiserver');
    const stoppedAtMs = performance.now();
    await until(() => told.length === 2);
    assert.ok(performance.now() - stoppedAtMs < TIMES.leaseMs);
    assert.deepEqual(told, [leader, leader?.replace('leads', 'ends')]);
    assert.deepEqual([one.isLeading, other.isLeading], [false, false]);
    await plane.start('kube-apiserver');
    await eventually(() => assert.equal([one, other].filter(({ isLeading }) => isLeading).length, 1));
  });

  it('holds the lease until the work of a leader that is stopped has ended', async (test) => {
    const work = Promise.withResolvers<void>();
    const settings = { namespace: 'default', name: 'slow', identity: 'slow', ...TIMES };
    const parts = { client, clock: systemClock, random: Math.random, log: new RecordedLog() };
    const slow = new Election(settings, () => work.promise, parts);
    await slow.start();
    await until(() => slow.isLeading);
    const { run } = candidates(test, 'slow');
    const other = await run('other');
    const stopped = slow.stop();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * TIMES.leaseMs));
    assert.equal(other.isLeading, false);
    work.resolve();
    await stopped;
    await until(() => other.isLeading);
  });

  it('makes the lease again when somebody deletes it', async (test) => {
    const { told, run } = candidates(test, 'deleted');
    const one = await run('one');
    await until(() => one.isLeading);
    await client.delete(LEASES, { namespace: 'default', name: 'deleted' });
    await eventually(async () => {
      await client.get(LEASES, { namespace: 'default', name: 'deleted' });
    });
    assert.deepEqual([told, one.isLeading], [['one leads'], true]);
  });

  it('gives way when somebody else has been written into the lease', async (test) => {
    const { told, run } = candidates(test, 'overwritten');
    const one = await run('one');
    await until(() => one.isLeading);
    const ref = { namespace: 'default', name: 'overwritten' };
    await client.patch(LEASES, ref, { spec: { holderIdentity: 'somebody' } });
    await until(() => !one.isLeading);
    await eventually(() => assert.equal(one.isLeading, true));
    assert.deepEqual(told, ['one leads', 'one ends', 'one leads']);
  });
});

describe('an election', () => {
  for (const [what, times] of [
    ['a deadline after the end of the lease', { renewDeadlineMs: 3_000 }],
    ['attempts that are further apart than the deadline', { retryMs: 1_700 }],
    ['a lease of broken seconds', { leaseMs: 2_500 }],
  ] as const) {
    it(`refuses ${what}`, () => {
      const settings = { namespace: 'n', name: 'n', identity: 'i', ...TIMES, ...times };
      const refuse = () => Promise.reject(new Error('not to be asked'));
      const client = { get: refuse, create: refuse, update: refuse };
      const parts = { client, clock: systemClock, random: Math.random, log: new RecordedLog() };
      assert.throws(() => new Election(settings, async () => undefined, parts), TypeError);
    });
  }
});

async function runCandidate(test: TestContext, kubeconfig: string, lease: string) {
  const file = join(import.meta.dirname, 'candidate.ts');
  const process_: ChildProcess = spawn(process.execPath, [file, kubeconfig, lease, JSON.stringify(TIMES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  if (process_.stdout !== null) createInterface(process_.stdout).on('line', (line) => lines.push(line));
  test.after(async () => {
    if (process_.exitCode !== null || process_.signalCode !== null) return;
    process_.kill('SIGKILL');
    await once(process_, 'exit');
  });
  return { process: process_, lines };
}
