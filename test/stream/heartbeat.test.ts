import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HubRig } from '../support/hub-rig.ts';

/** A deadline is met at most two ticks of the wheel after it is due. */
const LATE_MS = 10;

describe('heartbeats', () => {
  it('are comments, so long as the client’s id is the head', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { transport } = rig.open();
    rig.publish('events', 'a');
    await rig.turn();
    transport.next();
    await rig.pass(999);
    assert.equal(transport.next(), '');
    await rig.pass(1 + LATE_MS);
    assert.equal(transport.next(), ':\n\n');
    await rig.pass(1000 + LATE_MS);
    assert.equal(transport.next(), ':\n\n');
  });

  it('come only after silence', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { transport } = rig.open();
    transport.next();
    for (let i = 0; i < 10; i++) {
      await rig.pass(900);
      rig.publish('events', 'a');
      await rig.turn();
    }
    assert.ok(!transport.heard.some(({ kind }) => kind === 'comment'));
  });

  it('tell the head once when a quiet topic’s client is behind it', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { transport } = rig.open();
    await rig.turn();
    transport.next();
    rig.publish('other', 'a');
    await rig.pass(1000 + LATE_MS);
    assert.equal(transport.next(), `id:${rig.id(1)}\n\n`);
    await rig.pass(1000 + LATE_MS);
    assert.equal(transport.next(), ':\n\n');
  });

  it('tell the head also to whom the log had nothing for', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    rig.log('events', 'a');
    rig.log('other', 'b');
    rig.hub.begin(rig.id(2));
    const { transport } = rig.open({ resume: rig.id(1) });
    await rig.turn();
    await rig.pass(1000 + LATE_MS);
    assert.deepEqual(transport.heard.at(-1), { kind: 'position', id: rig.id(2) });
    await rig.pass(1000 + LATE_MS);
    assert.deepEqual(transport.heard.at(-1), { kind: 'comment' });
  });

  it('tell the head also to whom other topics were given meanwhile', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { transport } = rig.open({ topics: ['quiet'] });
    await rig.turn();
    rig.publish('other', 'a');
    await rig.hub.review(); // its path carries `events` now
    await rig.turn();
    await rig.pass(1000 + LATE_MS);
    assert.deepEqual(transport.heard.at(-1), { kind: 'position', id: rig.id(1) });
  });

  it('are comments after an event for the client alone', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { transport } = rig.open();
    await rig.turn();
    rig.publish('other', 'a');
    rig.publish('events', 'b', { to: ['alice'] });
    await rig.turn();
    transport.next();
    await rig.pass(1000 + LATE_MS);
    assert.equal(transport.next(), ':\n\n');
  });

  it('never tell a head that the client has yet to be sent', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const streams = Array.from({ length: 300 }, () => rig.open({ authorisation: { holder: undefined } }));
    await rig.turn();
    rig.publish('events', 'a');
    await rig.turn(1);
    rig.clock.advance(1000 + LATE_MS); // in the middle of the batch
    const unserved = streams.filter(({ transport }) => transport.published.length === 0);
    assert.ok(unserved.length > 0);
    for (const { transport } of unserved) assert.deepEqual(transport.heard.at(-1), { kind: 'comment' });
  });

  it('keep a stream alive whose past can’t be read just now', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    rig.log('events', 'a');
    rig.hub.begin(rig.id(1));
    rig.history.unreachable = true;
    const { transport } = rig.open({ resume: '0-0' });
    await rig.pass(1000 + LATE_MS);
    assert.deepEqual(transport.heard.at(-1), { kind: 'comment' });
  });

  it('are not given to a peer that takes nothing', async () => {
    const rig = new HubRig({ heartbeatMs: 1000, lagMaxMs: 60_000 });
    const { transport } = rig.open();
    await rig.turn();
    transport.stall();
    rig.publish('events', 'a');
    await rig.turn();
    const { length } = transport.writes;
    await rig.pass(10_000);
    assert.equal(transport.writes.length, length);
  });

  it('that are not taken block the stream: nothing more is queued for it', async () => {
    const rig = new HubRig({ heartbeatMs: 1000 });
    const { connection, transport } = rig.open();
    await rig.turn();
    for (let i = 0; i < 2000; i++) rig.publish('other', 'a'); // more than the ring holds
    transport.stall();
    await rig.pass(1000 + LATE_MS);
    assert.equal(connection.state, 'blocked');
    rig.publish('events', 'b');
    await rig.pass(100);
    assert.equal(transport.writesWhileStalled, 0);
    transport.release();
    await rig.pass(20);
    assert.deepEqual(transport.published, ['b'], 'and it was not lapped by what is not for it');
  });
});
