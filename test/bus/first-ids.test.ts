import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FirstIds, IDEMPOTENCY_MS } from '../../src/bus/first-ids.ts';
import { eventId } from '../../src/core/event-id.ts';
import { FakeClock } from '../support/fake-clock.ts';

const KEYS_MAX = 100_000;
const create = () => {
  const clock = new FakeClock();
  return { clock, ids: new FirstIds(clock) };
};

describe('FirstIds', () => {
  it('knows the id of a key for five minutes', () => {
    const { clock, ids } = create();
    assert.equal(ids.get('a'), undefined);
    ids.put('a', eventId(1, 0));
    clock.advance(IDEMPOTENCY_MS - 1);
    assert.equal(ids.get('a'), '1-0');
    clock.advance(1);
    assert.equal(ids.get('a'), undefined);
    assert.equal(IDEMPOTENCY_MS, 300_000);
  });

  it('goes by time that only rises', () => {
    const { clock, ids } = create();
    ids.put('a', eventId(1, 0));
    clock.jump(IDEMPOTENCY_MS * 2);
    assert.equal(ids.get('a'), '1-0');
  });

  it('takes a key again once it has expired, for another five minutes', () => {
    const { clock, ids } = create();
    ids.put('a', eventId(1, 0));
    ids.put('b', eventId(2, 0));
    clock.advance(IDEMPOTENCY_MS);
    ids.put('a', eventId(3, 0));
    clock.advance(IDEMPOTENCY_MS - 1);
    assert.deepEqual([ids.get('a'), ids.get('b')], ['3-0', undefined]);
  });

  it('takes keys as they are', () => {
    const { ids } = create();
    for (const [i, key] of ['', '__proto__', 'constructor', 'ü', 'a ', 'a'].entries()) {
      assert.equal(ids.get(key), undefined);
      ids.put(key, eventId(i, 0));
      assert.equal(ids.get(key), `${i}-0`);
    }
  });

  it('forgets the oldest keys early rather than hold more than 100,000', () => {
    const { ids } = create();
    for (let i = 0; i <= KEYS_MAX; i++) ids.put(`${i}`, eventId(i, 0));
    assert.equal(ids.get('0'), undefined);
    assert.equal(ids.get('1'), '1-0');
    assert.equal(ids.get(`${KEYS_MAX}`), `${KEYS_MAX}-0`);
  });
});
