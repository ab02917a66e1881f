import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict } from '../../src/stream/authorisation.ts';
import { authorise, expiring, HubRig, type Stream, topics } from '../support/hub-rig.ts';

const LATE_MS = 10;

/** A stream of the topic `old` whose next reviews come out as told. */
function reviewed(rig: HubRig, verdict: () => Verdict): Stream {
  return rig.open({ topics: ['old'], authorisation: { holder: undefined, review: verdict } });
}

describe('a review', () => {
  for (const reason of ['guard_changed', 'revoked'] as const) {
    it(`ends who no longer passes as ${reason}; the others notice nothing`, async () => {
      const rig = new HubRig();
      const losing = reviewed(rig, () => ({ kind: 'refused', reason }));
      const staying = reviewed(rig, () => ({
        kind: 'allowed',
        authorisation: authorise(),
        topics: topics('old'),
      }));
      staying.transport.next();
      await rig.hub.review();
      assert.equal(losing.transport.endReason, reason);
      assert.equal(staying.transport.next(), '');
      rig.publish('old', 'a');
      await rig.turn();
      assert.deepEqual(staying.transport.published, ['a']);
      assert.deepEqual(losing.transport.published, []);
    });
  }

  it('moves a stream to other topics, from here on', async () => {
    const rig = new HubRig();
    const { transport } = reviewed(rig, () => ({
      kind: 'allowed',
      authorisation: authorise(),
      topics: topics('new', 'newer'),
    }));
    await rig.turn();
    rig.publish('old', 'old before');
    rig.publish('new', 'new before');
    await rig.turn();
    await rig.hub.review();
    rig.publish('old', 'old after');
    rig.publish('new', 'new after');
    rig.publish('newer', 'newer after');
    await rig.turn();
    assert.deepEqual(transport.published, ['old before', 'new after', 'newer after']);
  });

  it('takes away at once what was queued of a topic that is no longer allowed', async () => {
    const rig = new HubRig();
    const { transport } = reviewed(rig, () => ({
      kind: 'allowed',
      authorisation: authorise(),
      topics: topics('new'),
    }));
    await rig.turn();
    rig.publish('old', 'queued');
    await rig.hub.review();
    await rig.turn();
    assert.deepEqual(transport.published, []);
  });

  it('gives what was queued of a topic that stays, once', async () => {
    const rig = new HubRig();
    const verdict = (): Verdict => ({ kind: 'allowed', authorisation, topics: topics('old', 'new') });
    const authorisation = authorise({ review: verdict });
    const { transport } = reviewed(rig, verdict);
    await rig.turn();
    rig.publish('old', 'queued');
    await rig.hub.review();
    rig.publish('new', 'a');
    await rig.hub.review();
    await rig.turn();
    assert.deepEqual(transport.published, ['queued', 'a']);
  });

  it('may move the end both ways', async () => {
    const rig = new HubRig();
    const verdict = (closeInMs: number): Verdict => ({
      kind: 'allowed',
      authorisation: authorise(expiring(rig.clock, closeInMs)),
      topics: topics('old'),
    });
    const sooner = reviewed(rig, () => verdict(1000));
    const later = rig.open({
      topics: ['old'],
      authorisation: { ...expiring(rig.clock, 1000), review: () => verdict(5000) },
    });
    await rig.hub.review();
    await rig.pass(1000 + LATE_MS);
    assert.equal(sooner.transport.endReason, 'token_expired');
    assert.equal(later.transport.endReason, undefined);
    await rig.pass(4000);
    assert.equal(later.transport.endReason, 'token_expired');
  });

  it('asks nobody twice for the same token, and by the new times whom it had not asked yet', async () => {
    const rig = new HubRig({ heartbeatMs: 600_000 });
    const times = expiring(rig.clock, 60_000, 50_000);
    const authorisation = authorise(times);
    const asked = rig.open({
      authorisation: {
        ...times,
        review: () => ({ kind: 'allowed', authorisation, topics: topics('events') }),
      },
    });
    const notYet = rig.open({
      authorisation: {
        ...expiring(rig.clock, 60_000, 1000),
        review: () => ({ kind: 'allowed', authorisation, topics: topics('events') }),
      },
    });
    await rig.pass(10_000 + LATE_MS);
    await rig.hub.review();
    await rig.pass(LATE_MS);
    const challenges = ({ transport }: Stream) =>
      transport.events.filter(({ type }) => type === 'challenge').length;
    assert.deepEqual([challenges(asked), challenges(notYet)], [1, 1]);
  });

  it('lets the event loop turn between slices', async () => {
    const rig = new HubRig();
    let judged = 0;
    for (let i = 0; i < 600; i++) {
      reviewed(rig, () => {
        judged++;
        return { kind: 'refused', reason: 'revoked' };
      });
    }
    const seen: number[] = [];
    const done = rig.hub.review();
    for (let i = 0; i < 3; i++) {
      seen.push(judged);
      await rig.turn(1);
    }
    await done;
    assert.deepEqual(seen, [256, 512, 600]);
  });

  it('passes over who has left in the meantime', async () => {
    const rig = new HubRig();
    const streams = Array.from({ length: 300 }, () =>
      reviewed(rig, () => ({ kind: 'refused', reason: 'revoked' })),
    );
    const done = rig.hub.review();
    const left = streams.filter(({ connection }) => connection.open);
    assert.equal(left.length, 44);
    for (const { connection } of left) rig.hub.gone(connection);
    await done;
    for (const { transport } of left) assert.equal(transport.endReason, undefined);
  });
});
