import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { GatewayPod } from '../../src/operator/gateway-pods.ts';
import { PodPoll } from '../../src/operator/pod-poll.ts';
import { parsePodReport } from '../../src/operator/pod-report.ts';
import { FakeClock } from '../support/fake-clock.ts';

const pod = (name: string, restarts = 0): GatewayPod => ({
  name,
  uid: `uid-${name}`,
  gateway: 'events',
  component: 'gateway',
  ip: `10.0.0.${name}`,
  started: true,
  restarts,
  trouble: undefined,
});

/** Pods that enforce what `generations` says by address; a number that is not there is a pod that does not answer. */
function rig(pods: GatewayPod[]) {
  const clock = new FakeClock();
  const generations = new Map<string, number>();
  const asked: string[] = [];
  const changes: string[] = [];
  const state = { waiting: true };
  let atOnce = 0;
  let atOnceMost = 0;
  const poll = new PodPoll({
    clock,
    random: () => 0.5,
    podsOf: () => pods,
    isWaiting: () => state.waiting,
    onChange: (gateway) => void changes.push(gateway),
    async ask({ ip }) {
      asked.push(ip);
      atOnceMost = Math.max(atOnceMost, ++atOnce);
      await turn();
      atOnce -= 1;
      const generation = generations.get(ip);
      if (generation === undefined) return { fault: 'ECONNREFUSED' };
      const report = parsePodReport({
        connections: 1,
        guards: [{ name: 'main', enforcedGeneration: generation, keys: 1 }],
      });
      return report ?? { fault: 'no report' };
    },
  });
  const settle = async () => {
    for (let turns = 0; turns < 10; turns++) await turn();
  };
  const pass = async (ms: number) => {
    await clock.advanceAsync(ms, 50);
    await settle();
  };
  return {
    asked,
    changes,
    clock,
    generations,
    pass,
    poll,
    pods,
    settle,
    state,
    atOnceMost: () => atOnceMost,
  };
}

describe('asking pods', () => {
  it('goes on quickly while somebody waits, for 30 s at most, then slowly', async () => {
    const { asked, generations, pass, poll, settle } = rig([pod('1')]);
    generations.set('10.0.0.1', 1);
    poll.follow('a');
    await settle();
    assert.equal(asked.length, 1);
    await pass(1_000);
    assert.ok(asked.length >= 4 && asked.length <= 6, `${asked.length} times in a second`);
    await pass(30_000);
    asked.length = 0;
    await pass(30_000);
    assert.ok(asked.length >= 2 && asked.length <= 4, `${asked.length} times in 30 s`);
    await poll.stop();
  });

  it('is slow when nobody waits, and at once when something changes', async () => {
    const { asked, pass, poll, settle, state } = rig([pod('1')]);
    state.waiting = false;
    poll.follow('a');
    await pass(5_000);
    assert.equal(asked.length, 1);
    poll.follow('a');
    await settle();
    assert.equal(asked.length, 2);
    await poll.stop();
  });

  it('tells what is new, once, and keeps what a pod said when it is silent', async () => {
    const { changes, generations, pass, poll, pods } = rig([pod('1')]);
    generations.set('10.0.0.1', 3);
    poll.follow('a');
    await pass(2_000);
    assert.deepEqual(changes, ['a']);
    generations.delete('10.0.0.1');
    await pass(2_000);
    assert.deepEqual(changes, ['a', 'a']);
    const report = poll.report(pod('1'));
    assert.equal(report.fault, 'ECONNREFUSED');
    assert.equal(report.guards.get('main')?.generation, 3);
    pods[0] = pod('1', 1);
    assert.equal(poll.report(pod('1', 1)).guards.size, 0, 'a program that starts anew has nothing in force');
    await poll.stop();
  });

  it('goes to 32 pods at once, of all gateways together', async () => {
    const { asked, atOnceMost, poll, settle } = rig(
      Array.from({ length: 100 }, (_, index) => pod(`${index}`)),
    );
    poll.follow('a');
    poll.follow('b');
    await settle();
    await settle();
    assert.equal(asked.length, 200);
    assert.equal(atOnceMost(), 32);
    await poll.stop();
  });

  it('ends for a gateway that is gone', async () => {
    const { asked, pass, poll } = rig([pod('1')]);
    poll.follow('a');
    await pass(1_000);
    poll.forget('a');
    asked.length = 0;
    await pass(60_000);
    assert.deepEqual(asked, []);
    await poll.stop();
  });
});
