import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { authorise, expiring, HubRig, topics } from '../support/hub-rig.ts';

/** A deadline is met at most two ticks of the wheel after it is due. */
const LATE_MS = 10;
const CHALLENGE = /^event:challenge\ndata:(\{.*\})\n\n$/;
const ENDED = 'event:end\ndata:{"reason":"token_expired","reconnect":false}\n\n';

describe('challenges', () => {
  it('come at their time, once per token, byte for byte', async () => {
    const rig = new HubRig({ heartbeatMs: 600_000 });
    const { transport } = rig.open({
      authorisation: { answer: 'Subject', ...expiring(rig.clock, 60_000, 10_000) },
    });
    transport.next();
    await rig.pass(49_999);
    assert.equal(transport.next(), '');
    await rig.pass(1 + LATE_MS);
    assert.equal(
      transport.next(),
      'event:challenge\ndata:{"method":"POST","headers":{"content-type":"application/x-challenge-response"}}\n\n',
    );
    await rig.pass(9_900);
    assert.equal(transport.next(), '');
    assert.deepEqual(rig.observed.challenges, ['main sent']);
  });

  it('come anew, by the new rules, when the way of answering has changed meanwhile', async () => {
    const rig = new HubRig();
    const times = expiring(rig.clock, 10_000, 5000);
    const now = authorise({ ...times, answer: 'Stream', challengeAt: epochMs(rig.clock.now()) });
    const { transport } = rig.open({
      authorisation: {
        answer: 'Subject',
        ...times,
        review: () => ({ kind: 'allowed', authorisation: now, topics: topics('events') }),
      },
    });
    await rig.pass(5000 + LATE_MS);
    transport.next();
    await rig.hub.review();
    await rig.pass(LATE_MS);
    assert.match(transport.next(), /challenge-id/);
    await rig.hub.review();
    await rig.pass(LATE_MS);
    assert.equal(transport.next(), '', 'once');
  });

  it('can not be answered once the time is up, also in the moment before the stream is cut', () => {
    const rig = new HubRig();
    const { connection } = rig.open({ authorisation: expiring(rig.clock, 1000) });
    rig.clock.jump(999);
    assert.equal(rig.hub.renew(connection, authorise(expiring(rig.clock, 1))), true);
    rig.clock.jump(1);
    assert.equal(rig.hub.renew(connection, authorise(expiring(rig.clock, 60_000))), false);
  });

  it('come at once when less than the lead is left', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 1000, 10_000) });
    await rig.pass(LATE_MS);
    assert.match(transport.text, /event:challenge/);
  });

  it('carry an id of pod and 128 random bits where the stream itself must be answered', async () => {
    const rig = new HubRig();
    const ids = new Set<string>();
    for (let i = 0; i < 50; i++) ids.add(await challengeId(rig));
    assert.equal(ids.size, 50);
    for (const id of ids) assert.match(id, /^pod-a\.[\w-]{22}$/);
  });

  it('are found by their id, until the next one or the end', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open({ authorisation: expiring(rig.clock, 10_000, 5000) });
    transport.next();
    await rig.pass(5000 + LATE_MS);
    const first = idIn(transport.next());
    assert.equal(rig.hub.challenged(first), connection);
    rig.hub.renew(connection, authorise(expiring(rig.clock, 10_000, 5000)));
    assert.equal(rig.hub.challenged(first), connection, 'an answer may be repeated');
    await rig.pass(5000 + LATE_MS);
    const second = idIn(transport.next());
    assert.equal(rig.hub.challenged(first), undefined);
    assert.equal(rig.hub.challenged(second), connection);
    rig.hub.gone(connection);
    assert.equal(rig.hub.challenged(second), undefined);
  });

  it('go ahead of queued events, also of those a peer does not take', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 60_000, 59_000) });
    await rig.turn();
    transport.stall();
    rig.publish('events', 'a');
    await rig.turn();
    rig.publish('events', 'b');
    await rig.pass(1000 + LATE_MS);
    transport.release();
    await rig.pass(20);
    const order = transport.events.map(({ type, data }) => type ?? data);
    assert.deepEqual(order, ['a', 'challenge', 'b']);
  });

  it('that are not taken block the stream', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open({ authorisation: expiring(rig.clock, 60_000, 59_000) });
    await rig.turn();
    transport.stall();
    await rig.pass(1000 + LATE_MS);
    assert.equal(connection.state, 'blocked');
    rig.publish('events', 'a');
    await rig.turn();
    assert.equal(transport.writesWhileStalled, 0);
  });

  it('never come without a time for one', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 60_000) });
    await rig.pass(60_000 + LATE_MS);
    assert.ok(!transport.text.includes('challenge'));
    assert.equal(transport.endReason, 'token_expired');
  });
});

describe('renewal', () => {
  it('moves the end and plans the next challenge', async () => {
    const rig = new HubRig({ heartbeatMs: 600_000 });
    const { connection, transport } = rig.open({ authorisation: expiring(rig.clock, 10_000, 5000) });
    await rig.pass(6000);
    rig.hub.renew(connection, authorise(expiring(rig.clock, 20_000, 5000)));
    transport.next();
    await rig.pass(14_999);
    assert.equal(transport.next(), '');
    await rig.pass(1 + LATE_MS);
    assert.match(transport.next(), CHALLENGE);
    await rig.pass(5000 - LATE_MS - 1);
    assert.equal(transport.state, 'open');
    await rig.pass(1 + LATE_MS);
    assert.equal(transport.next(), ENDED);
    assert.deepEqual(rig.observed.challenges, ['main sent', 'main answered', 'main sent', 'main unanswered']);
  });

  it('may also bring the next challenge nearer', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open({ authorisation: expiring(rig.clock, 600_000, 5000) });
    rig.hub.renew(connection, authorise(expiring(rig.clock, 700_000, 699_000)));
    await rig.pass(1000 + LATE_MS);
    assert.match(transport.text, /event:challenge/);
  });

  it('of a stream that has ended changes nothing', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open();
    rig.hub.end(connection, 'revoked');
    rig.hub.renew(connection, authorise(expiring(rig.clock, 60_000, 59_000)));
    await rig.pass(2000);
    assert.ok(!transport.text.includes('challenge'));
    assert.deepEqual(rig.observed.challenges, []);
  });
});

async function challengeId(rig: HubRig): Promise<string> {
  const { connection, transport } = rig.open({
    authorisation: {
      ...expiring(rig.clock, 60_000),
      challengeAt: epochMs(rig.clock.now()),
      holder: undefined,
    },
  });
  transport.next();
  await rig.pass(LATE_MS);
  const id = idIn(transport.next());
  assert.equal(rig.hub.challenged(id), connection);
  return id;
}

/** The id in a challenge, which is otherwise as the contract has it. */
function idIn(text: string): string {
  const told: { headers: Record<string, string> } = JSON.parse(CHALLENGE.exec(text)?.[1] ?? '{}');
  const id = told.headers['challenge-id'] ?? '';
  assert.deepEqual(told, {
    method: 'POST',
    headers: { 'content-type': 'application/x-challenge-response', 'challenge-id': id },
  });
  return id;
}
