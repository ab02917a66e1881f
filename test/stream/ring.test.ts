import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, topic } from '../../src/core/brand.ts';
import { eventId, ORIGIN } from '../../src/core/event-id.ts';
import { Ring, type RingBounds } from '../../src/stream/ring.ts';

const WIDE: RingBounds = { eventsMax: 1_000_000, bytesMax: 1e9, ageMaxMs: 1e9 };

/** A ring into which events with the ids 10-0, 20-0, 30-0 … have gone, one every millisecond. */
function filled(count: number, bounds: RingBounds = WIDE, data = 'a'): Ring {
  const ring = new Ring();
  for (let i = 1; i <= count; i++) append(ring, i, bounds, data);
  return ring;
}

function append(ring: Ring, i: number, bounds: RingBounds, data = 'a') {
  const [id, previous] = [eventId(10 * i, 0), ring.head];
  return ring.append({ id, previous, topic: topic('a'), data, receivedAt: epochMs(0) }, bounds, i);
}

describe('Ring', () => {
  it('is empty at the log’s position when it begins', () => {
    const ring = new Ring();
    assert.deepEqual(
      [ring.head, ring.floor, ring.size, ring.headSeq, ring.firstSeq],
      [ORIGIN, ORIGIN, 0, 0, 1],
    );
    ring.begin(eventId(5, 5));
    assert.deepEqual([ring.head, ring.floor, ring.size], ['5-5', '5-5', 0]);
    assert.equal(ring.at(1), undefined);
    assert.equal(ring.seqAfter(eventId(5, 5)), 1);
  });

  it('never takes its head back when it is told late where it began', () => {
    const ring = filled(1);
    ring.begin(eventId(9, 0));
    assert.deepEqual([ring.head, ring.floor], ['10-0', '9-0']);
  });

  it('keeps events in order, without holes, through several growths', () => {
    const ring = filled(5000);
    assert.deepEqual([ring.size, ring.firstSeq, ring.headSeq, ring.head], [5000, 1, 5000, '50000-0']);
    for (let seq = 1; seq <= 5000; seq++) assert.equal(ring.at(seq)?.id, `${seq * 10}-0`);
    assert.equal(ring.at(0), undefined);
    assert.equal(ring.at(5001), undefined);
  });

  it('grows after it has wrapped around', () => {
    const ring = filled(1500, { ...WIDE, eventsMax: 700 });
    for (let i = 1501; i <= 4000; i++) append(ring, i, WIDE);
    assert.deepEqual([ring.size, ring.firstSeq], [3200, 801]);
    for (let seq = 801; seq <= 4000; seq++) assert.equal(ring.at(seq)?.seq, seq);
  });

  it('lets the oldest go beyond so many events', () => {
    const ring = filled(25, { ...WIDE, eventsMax: 10 });
    assert.deepEqual([ring.size, ring.firstSeq, ring.headSeq, ring.floor], [10, 16, 25, '150-0']);
    assert.equal(ring.at(15), undefined);
  });

  it('lets the oldest go beyond so many bytes, overhead counted', () => {
    const one = filled(1).bytes;
    assert.ok(one > 256, 'an event costs more than its bytes');
    const ring = filled(25, { ...WIDE, bytesMax: 4 * one + 20 });
    assert.equal(ring.size, 4);
    assert.ok(ring.bytes <= 4 * one + 20);
  });

  it('lets the oldest go beyond an age, also without a new event', () => {
    const bounds = { ...WIDE, ageMaxMs: 10 };
    const ring = filled(25, bounds);
    assert.equal(ring.firstSeq, 15, 'one exactly that old stays');
    ring.trim(bounds, 32);
    assert.deepEqual([ring.firstSeq, ring.floor], [22, '210-0']);
  });

  it('keeps the newest whatever its size and age', () => {
    const tight = { eventsMax: 1, bytesMax: 1, ageMaxMs: 0 };
    const ring = filled(3, tight, 'x'.repeat(10_000));
    ring.trim(tight, 1e9);
    assert.deepEqual([ring.size, ring.firstSeq, ring.head, ring.floor], [1, 3, '30-0', '20-0']);
    assert.equal(ring.at(3)?.id, '30-0');
  });

  it('gives its bytes back', () => {
    const ring = filled(100, { ...WIDE, eventsMax: 1 });
    assert.equal(ring.bytes, filled(1, WIDE).bytes + '1000-0'.length - '10-0'.length);
  });

  const PLACES: readonly [id: [number, number], seq: number][] = [
    [[0, 0], 16],
    [[159, 9], 16],
    [[160, 0], 17],
    [[160, 1], 17],
    [[165, 0], 17],
    [[249, 99], 25],
    [[250, 0], 26],
    [[9999, 0], 26],
  ];
  for (const [[milliseconds, sequence], seq] of PLACES) {
    it(`finds what comes after ${milliseconds}-${sequence}`, () => {
      const ring = filled(25, { ...WIDE, eventsMax: 10 });
      assert.equal(ring.seqAfter(eventId(milliseconds, sequence)), seq);
    });
  }
});
