import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expiring, HubRig } from '../support/hub-rig.ts';
import { gaps, numbers, rigWith } from '../support/replay-rig.ts';

describe('replay from the log', () => {
  it('goes on from the ring without a seam, in pages', async () => {
    const rig = rigWith(600, 620);
    const stream = rig.open({ resume: rig.id(5) });
    rig.publish('events', '621');
    await rig.turn(60);
    assert.deepEqual(stream.transport.published, numbers(6, 621));
    assert.deepEqual(gaps(stream), []);
    assert.equal(stream.connection.state, 'live');
    assert.equal(rig.observed.replayedCount, 616);
  });

  it('is never overtaken by what comes meanwhile', async () => {
    const rig = rigWith(10, 10);
    rig.history.hold();
    const stream = rig.open({ resume: rig.id(5), subject: 'alice' });
    for (let i = 11; i <= 20; i++) {
      rig.publish('events', `${i}`, i % 2 === 0 ? { to: ['alice'] } : {});
      await rig.turn(1);
    }
    assert.deepEqual(stream.transport.published, []);
    rig.history.release();
    await rig.turn(30);
    assert.deepEqual(stream.transport.published, numbers(6, 20));
  });

  it('reads on when the ring runs ahead of it', async () => {
    const rig = rigWith(10, 10, { ring: { eventsMax: 5, bytesMax: 1e9, ageMaxMs: 1e9 } });
    const stream = rig.open({ resume: rig.id(5) });
    for (let i = 11; i <= 100; i++) {
      rig.publish('events', `${i}`);
      if (i % 4 === 0) await rig.turn(1);
    }
    await rig.turn(60);
    assert.deepEqual(stream.transport.published, numbers(6, 100));
  });

  it('leaves out what the stream may not see', async () => {
    const rig = new HubRig();
    rig.log('other', 'of another topic');
    rig.log('events', 'for bob', { to: ['bob'] });
    rig.log('events', 'for alice', { to: ['alice'] });
    rig.log('events', 'for another alice', { to: ['alice'], guard: 'other' });
    rig.log('events', 'for all', { type: 'price' });
    rig.hub.begin(rig.id(5));
    const stream = rig.open({ resume: '0-0', subject: 'alice' });
    await rig.turn(30);
    assert.deepEqual(stream.transport.published, ['for alice', 'for all']);
    assert.equal(stream.transport.events.at(-1)?.type, 'price');
  });

  it('tells of what has been trimmed before it tells anything else', async () => {
    const rig = rigWith(10, 12);
    rig.history.trim(7);
    const stream = rig.open({ resume: rig.id(3) });
    await rig.turn(30);
    assert.deepEqual(stream.transport.heard[1], {
      kind: 'event',
      type: 'gap',
      data: `{"requested":"${rig.id(3)}","oldest":"${rig.id(8)}"}`,
    });
    assert.deepEqual(stream.transport.published, numbers(8, 12));
    assert.deepEqual(rig.observed.gaps, ['trimmed']);
  });

  it('tells where the client stands when nothing is left for it', async () => {
    const rig = rigWith(10, 10);
    rig.log('other', 'x');
    rig.hub.begin(rig.id(11));
    rig.history.trim(10);
    const stream = rig.open({ resume: rig.id(3) });
    await rig.turn(30);
    assert.equal(
      stream.transport.text,
      `retry:2000\n\nevent:gap\ndata:{"requested":"${rig.id(3)}","oldest":null}\n\nid:${rig.id(11)}\n\n`,
    );
  });

  it('tells of what is trimmed while it reads', async () => {
    const rig = rigWith(600, 600);
    const stream = rig.open({ resume: '0-0' });
    await rig.turn(1);
    stream.transport.stall(500);
    await rig.turn(20);
    const heard = stream.transport.published.length;
    assert.ok(heard > 0 && heard < 256, 'it is in its first page');
    rig.history.trim(400);
    stream.transport.release();
    await rig.clock.advanceAsync(2000, 20);
    assert.deepEqual(stream.transport.published, [...numbers(1, 256), ...numbers(401, 600)]);
    assert.deepEqual(gaps(stream), [{ requested: rig.id(256), oldest: rig.id(401) }]);
  });

  it('tells of what is trimmed while it looks for its beginning', async () => {
    const rig = rigWith(600, 600);
    const stream = rig.open({ resume: '0-0' });
    await rig.turn(1); // the first page of ids has been asked for
    rig.history.trim(300);
    await rig.turn(60);
    assert.deepEqual(stream.transport.published, numbers(301, 600));
    assert.deepEqual(gaps(stream), [{ requested: '0-0', oldest: rig.id(301) }]);
  });

  it('gives the latest of too many, and says so first', async () => {
    const rig = rigWith(600, 610, { replayPerStreamMax: 300 });
    const stream = rig.open({ resume: rig.id(5) });
    await rig.turn(60);
    assert.deepEqual(gaps(stream), [{ requested: rig.id(5), oldest: rig.id(311) }]);
    assert.deepEqual(stream.transport.published, numbers(311, 610));
    assert.deepEqual(rig.observed.gaps, ['too_far_behind']);
  });

  it('is one gap when events were trimmed and too many are left', async () => {
    const rig = rigWith(100, 100, { replayPerStreamMax: 10 });
    rig.history.trim(50);
    const stream = rig.open({ resume: rig.id(5) });
    await rig.turn(30);
    assert.deepEqual(gaps(stream), [{ requested: rig.id(5), oldest: rig.id(91) }]);
    assert.deepEqual(stream.transport.published, numbers(91, 100));
    assert.deepEqual(rig.observed.gaps, ['trimmed']);
  });

  it('waits for a log that can’t be reached, and misses nothing', async () => {
    const rig = rigWith(10, 10, { lagMaxMs: 5000 });
    rig.history.unreachable = true;
    const stream = rig.open({ resume: rig.id(5) });
    rig.publish('events', '11');
    await rig.clock.advanceAsync(20_000);
    assert.deepEqual(stream.transport.published, []);
    assert.equal(stream.transport.state, 'open', 'the client is not the slow one');
    rig.history.unreachable = false;
    await rig.clock.advanceAsync(1500);
    assert.deepEqual(stream.transport.published, numbers(6, 11));
    rig.publish('events', '12');
    await rig.turn();
    assert.deepEqual(stream.transport.published, numbers(6, 12));
  });

  it('asks no more for a client that has left', async () => {
    const rig = rigWith(10, 10);
    rig.history.unreachable = true;
    const { connection } = rig.open({ resume: rig.id(5) });
    await rig.clock.advanceAsync(2000);
    rig.hub.gone(connection);
    await rig.clock.advanceAsync(2000);
    const { reads } = rig.history;
    await rig.clock.advanceAsync(10_000);
    assert.equal(rig.history.reads, reads);
  });

  it('goes at the pace of the peer, and ends one that takes nothing', async () => {
    const rig = rigWith(50, 50, { lagMaxMs: 5000 });
    const stream = rig.open({ resume: '0-0' });
    stream.transport.stall(100);
    await rig.clock.advanceAsync(4000);
    assert.equal(stream.transport.writesWhileStalled, 0);
    assert.equal(stream.transport.state, 'open');
    await rig.clock.advanceAsync(2000);
    assert.equal(stream.transport.endReason, 'slow_consumer');
  });

  it('ends with the token', async () => {
    const rig = rigWith(50, 50);
    const stream = rig.open({ resume: '0-0', authorisation: expiring(rig.clock, 1000) });
    stream.transport.stall(100);
    await rig.turn(20);
    rig.clock.jump(1000);
    stream.transport.release();
    await rig.clock.advanceAsync(100, 20);
    assert.equal(stream.transport.endReason, 'token_expired');
    assert.ok(stream.transport.published.length < 50);
  });

  it('tells no gap once the token has expired', async () => {
    const rig = rigWith(50, 50);
    rig.history.trim(10);
    const stream = rig.open({ resume: '0-0', authorisation: expiring(rig.clock, 1000) });
    rig.clock.jump(1000);
    await rig.turn(20);
    assert.equal(stream.transport.endReason, 'token_expired');
    assert.deepEqual(gaps(stream), []);
  });
});
