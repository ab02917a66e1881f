import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HubRig, written } from '../support/hub-rig.ts';

describe('a blocked stream', () => {
  it('gets no write and costs nothing; the others notice nothing', async () => {
    const rig = new HubRig();
    const [slow, ...others] = await rig.crowd(10);
    assert.ok(slow);
    slow.transport.stall();
    for (let i = 0; i < 50; i++) {
      rig.publish('events', `${i}`);
      await rig.turn(2);
    }
    assert.equal(slow.connection.state, 'blocked');
    assert.equal(written(slow).length, 1, 'the one that it did not take');
    assert.equal(slow.transport.writesWhileStalled, 0);
    for (const { transport } of others) assert.equal(transport.published.length, 50);
  });

  it('goes on where it was as soon as it reads again, a portion at a time', async () => {
    const rig = new HubRig();
    const [slow] = await rig.crowd(1);
    assert.ok(slow);
    slow.transport.stall();
    const sent = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(2000, '.'));
    for (const data of sent) {
      rig.publish('events', data);
      await rig.turn(2);
    }
    slow.transport.release();
    await rig.pass(10);
    assert.deepEqual(slow.transport.published, sent);
    assert.equal(slow.connection.state, 'live');
    for (const bytes of written(slow)) assert.ok(bytes.length <= 32_768);
  });

  it('that stalls again is blocked again, without anything queued', async () => {
    const rig = new HubRig();
    const [slow] = await rig.crowd(1);
    assert.ok(slow);
    slow.transport.stall();
    for (let i = 0; i < 30; i++) rig.publish('events', 'x'.repeat(2000));
    await rig.turn();
    rig.publish('events', 'y'.repeat(2000));
    slow.transport.stall(100);
    await rig.pass(10);
    assert.equal(slow.connection.state, 'blocked');
    assert.equal(slow.transport.writesWhileStalled, 0);
    slow.transport.release();
    await rig.pass(10);
    assert.equal(slow.transport.published.length, 31);
  });

  it('that is lapped by the ring ends as a slow consumer, having heard all from the beginning on', async () => {
    const rig = new HubRig({ ring: { eventsMax: 10, bytesMax: 1e9, ageMaxMs: 1e9 } });
    const [slow, fast] = await rig.crowd(2);
    assert.ok(slow && fast);
    slow.transport.stall();
    await publishOneByOne(rig, 1, 11);
    await rig.pass(10);
    assert.equal(slow.transport.state, 'open', 'ten behind is what the ring still has');
    await publishOneByOne(rig, 12, 12);
    await rig.pass(10);
    assert.equal(slow.transport.endReason, 'slow_consumer');
    assert.deepEqual(slow.transport.published, ['1']);
    assert.equal(fast.transport.published.length, 12);
  });

  it('that takes nothing for longer than lagTime ends as a slow consumer', async () => {
    const rig = new HubRig({ lagMaxMs: 5000 });
    const [slow] = await rig.crowd(1);
    assert.ok(slow);
    slow.transport.stall();
    rig.publish('events', 'a');
    await rig.turn();
    await rig.pass(5000);
    assert.equal(slow.transport.state, 'open');
    await rig.pass(20);
    assert.equal(slow.transport.endReason, 'slow_consumer');
    assert.match(slow.transport.text, /retry:2000\nevent:end/);
  });

  it('is not taken for late when the wall clock is set', async () => {
    const rig = new HubRig({ lagMaxMs: 5000 });
    const [slow, behind] = await rig.crowd(2);
    assert.ok(slow && behind);
    slow.transport.stall();
    rig.publish('events', 'a');
    await rig.turn();
    rig.publish('events', 'b', { to: ['alice'] });
    rig.clock.jump(3_600_000);
    await rig.pass(20);
    assert.equal(slow.transport.state, 'open');
    assert.deepEqual(behind.transport.published, ['a', 'b']);
  });

  it('that is always a little later than lagTime ends too', async () => {
    const rig = new HubRig({ lagMaxMs: 5000 });
    const [slow] = await rig.crowd(1);
    assert.ok(slow);
    slow.transport.stall();
    for (let i = 0; i < 30; i++) rig.publish('events', 'x'.repeat(20_000));
    await rig.turn();
    for (let i = 0; i < 10 && slow.transport.state === 'open'; i++) {
      rig.publish('events', 'y'.repeat(20_000));
      await rig.pass(1000);
      slow.transport.stall(1000); // it takes one portion, each second
    }
    assert.equal(slow.transport.endReason, 'slow_consumer');
  });

  it('that is not behind is not lapped by topics that are not its own', async () => {
    const rig = new HubRig({ ring: { eventsMax: 10, bytesMax: 1e9, ageMaxMs: 1e9 } });
    const [slow] = await rig.crowd(1);
    assert.ok(slow);
    for (let i = 0; i < 40; i++) rig.publish('other', 'x');
    slow.transport.stall();
    rig.hub.lost(rig.id(40));
    await rig.turn();
    assert.equal(slow.connection.state, 'blocked');
    slow.transport.release();
    rig.publish('events', 'a');
    await rig.pass(20);
    assert.deepEqual(slow.transport.published, ['a']);
  });
});

async function publishOneByOne(rig: HubRig, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    rig.publish('events', `${i}`);
    await rig.turn(2);
  }
}
