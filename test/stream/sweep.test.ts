import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../src/core/brand.ts';
import { BusyClock } from '../support/busy-clock.ts';
import type { FakeTransport } from '../support/fake-transport.ts';
import { HubRig, NO_JITTER, type Stream, written } from '../support/hub-rig.ts';

const served = (streams: readonly Stream[]) => streams.filter((stream) => written(stream).length > 0).length;

describe('a sweep', () => {
  it('hands every stream of a lane the same Buffer, one per format, whatever the number', async () => {
    const rig = new HubRig();
    const chunked = await rig.crowd(50, { format: 'chunked' });
    const raw = await rig.crowd(50, { format: 'raw' });
    for (const data of ['a', 'b', 'c']) rig.publish('events', data);
    await rig.turn();
    for (const streams of [chunked, raw]) {
      const buffers = new Set(streams.flatMap(written));
      assert.equal(buffers.size, 1);
      for (const { transport } of streams) assert.deepEqual(transport.published, ['a', 'b', 'c']);
    }
  });

  it('encodes an event once, also for lanes of different topics', async () => {
    const rig = new HubRig();
    const streams = [
      ...(await rig.crowd(5, { topics: ['events'] })),
      ...(await rig.crowd(5, { topics: ['events', 'more'] })),
      ...(await rig.crowd(5, { topics: ['events', 'others'] })),
    ];
    rig.publish('events', 'a');
    await rig.turn();
    assert.equal(
      new Set(streams.flatMap(written)).size,
      1,
      'a batch of one event is that event’s own Buffer',
    );
  });

  it('writes once per stream and batch', async () => {
    const rig = new HubRig();
    const streams = await rig.crowd(20);
    for (let i = 0; i < 100; i++) rig.publish('events', `${i}`);
    await rig.turn();
    for (const stream of streams) assert.equal(written(stream).length, 1);
    assert.equal(rig.observed.deliveredCount, 2000);
    assert.equal(rig.observed.latenciesMs.length, 1);
  });

  it('holds a batch below 256 KiB, but for an event that is larger', async () => {
    const rig = new HubRig();
    const [stream] = await rig.crowd(1);
    assert.ok(stream);
    for (let i = 0; i < 7; i++) rig.publish('events', 'x'.repeat(100_000));
    rig.publish('events', 'y'.repeat(300_000));
    await rig.turn();
    const sizes = written(stream).map((bytes) => Math.round(bytes.length / 100_000));
    assert.deepEqual(sizes, [2, 2, 2, 1, 3]);
  });

  it('gives the event loop its turn after 256 streams', async () => {
    const rig = new HubRig({ connectionsMax: 2000 });
    const streams = await rig.crowd(600);
    rig.publish('events', 'a');
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      await rig.turn(1);
      seen.push(served(streams));
    }
    assert.deepEqual(seen, [256, 512, 600]);
  });

  it('gives it earlier when 2 ms have gone', async () => {
    const rig = new HubRig({}, () => NO_JITTER, new BusyClock(3));
    const streams = await rig.crowd(40);
    rig.publish('events', 'a');
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      await rig.turn(1);
      seen.push(served(streams));
    }
    assert.deepEqual(seen, [16, 32, 40]);
  });

  it('puts what comes meanwhile into the next batch', async () => {
    const rig = new HubRig();
    const streams = await rig.crowd(300);
    rig.publish('events', 'a');
    await rig.turn(1);
    for (const data of ['b', 'c']) rig.publish('events', data);
    await rig.turn();
    for (const stream of streams) {
      assert.equal(written(stream).length, 2);
      assert.deepEqual(stream.transport.published, ['a', 'b', 'c']);
    }
  });

  it('writes nothing at or after closeAt, also in a batch that began before', async () => {
    const rig = new HubRig();
    const closeAt = rig.clock.now();
    const streams = await rig.crowd(300, { authorisation: { closeAt: epochMs(closeAt + 1000) } });
    rig.publish('events', 'a');
    await rig.turn(1);
    rig.clock.jump(1000);
    await rig.turn();
    assert.equal(streams.filter(({ transport }) => transport.published.length > 0).length, 256);
    for (const { transport } of streams.filter(({ transport }) => transport.published.length === 0)) {
      assert.equal(transport.endReason, 'token_expired');
    }
  });

  it('keeps what a stream is still owed of a batch that it has in part', async () => {
    const rig = new HubRig({}, () => NO_JITTER, new BusyClock(3));
    const [early] = await rig.crowd(1);
    assert.ok(early);
    const others = await rig.crowd(40);
    early.transport.stall();
    rig.publish('events', 'first');
    await rig.turn();
    early.transport.release();
    rig.clock.advance(10); // it is to be served by itself again
    rig.publish('events', 'second');
    await rig.turn(1); // it has it from the ring, the lane has yet to be swept to its end
    rig.publish('events', 'third');
    rig.publish('events', 'fourth', { to: ['alice'] });
    await rig.turn(30);
    for (const { transport } of [early, ...others]) {
      assert.deepEqual(transport.published, ['first', 'second', 'third', 'fourth']);
    }
  });
});

describe('a lane that is overrun', () => {
  it('keeps no more than the ring does: who is lapped ends, the rest goes on', async () => {
    const rig = new HubRig({ ring: { eventsMax: 10, bytesMax: 1e9, ageMaxMs: 1e9 } });
    const streams = await rig.crowd(3);
    for (let i = 0; i < 5000; i++) rig.publish('events', `${i}`);
    const late = rig.open({ authorisation: { holder: undefined } });
    const pending = late.connection.lane.pending.length;
    assert.ok(pending <= 11, `${pending} events are pending`);
    rig.publish('events', 'last');
    await rig.turn();
    for (const { transport } of streams) {
      assert.equal(transport.endReason, 'slow_consumer');
      assert.deepEqual(transport.published, []);
    }
    assert.deepEqual(late.transport.published, ['last']);
  });

  it('loses nothing when the ring holds all of it', async () => {
    const rig = new HubRig({ ring: { eventsMax: 5000, bytesMax: 1e9, ageMaxMs: 1e9 } });
    const streams = await rig.crowd(3);
    for (let i = 0; i < 5000; i++) rig.publish('events', `${i}`);
    await rig.turn();
    for (const { transport } of streams) assertCounted(transport, 5000);
  });
});

function assertCounted(transport: FakeTransport, count: number): void {
  assert.deepEqual(
    transport.published,
    Array.from({ length: count }, (_, i) => `${i}`),
  );
}
