import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Silence } from '../../src/listen/silence.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MINUTE = 60_000;

describe('Silence', () => {
  let clock: FakeClock;
  let silence: Silence;
  beforeEach(() => {
    clock = new FakeClock();
    silence = new Silence(clock);
  });
  /** How long a connection lives on which a byte comes every `everyMs`; `undefined` when it outlives `forMs`. */
  const lifeMs = (everyMs: number, forMs: number): number | undefined => {
    let stalledAt: number | undefined;
    const from = clock.monotonicMs();
    const hearing = silence.watch(() => {
      stalledAt = clock.monotonicMs() - from;
    });
    while (stalledAt === undefined && clock.monotonicMs() - from < forMs) {
      const next = clock.monotonicMs() + everyMs;
      while (stalledAt === undefined && clock.monotonicMs() < next) clock.advance(1_000);
      if (stalledAt !== undefined) break;
      hearing.heard();
      hearing.listening();
    }
    hearing.stop();
    silence.ended(stalledAt !== undefined);
    return stalledAt;
  };

  it('takes a connection for stalled after a minute', () => {
    assert.equal(lifeMs(10 * MINUTE, 60 * MINUTE), MINUTE);
  });

  it('lets heartbeats of 15 s be', () => assert.equal(lifeMs(15_000, 60 * MINUTE), undefined));

  it('waits twice as long for each stall in a row, and learns the rarest heartbeat there is', () => {
    const lives = Array.from({ length: 5 }, () => lifeMs(10 * MINUTE, 60 * MINUTE));
    assert.deepEqual(lives, [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, undefined]);
    assert.equal(silence.limitMs, 30 * MINUTE);
  });

  it('is as strict as before once a connection did not stall', () => {
    assert.equal(lifeMs(10 * MINUTE, 60 * MINUTE), MINUTE);
    assert.equal(lifeMs(15_000, 10 * MINUTE), undefined);
    assert.equal(silence.limitMs, MINUTE);
  });

  it('never waits for more than half an hour', () => {
    for (let n = 0; n < 20; n++) silence.ended(true);
    assert.equal(silence.limitMs, 30 * MINUTE);
  });

  it('does not count the time that the reader takes', () => {
    let stalled = false;
    const hearing = silence.watch(() => {
      stalled = true;
    });
    hearing.heard();
    clock.advance(10 * MINUTE);
    assert.equal(stalled, false);
    hearing.listening();
    clock.advance(MINUTE);
    assert.equal(stalled, true);
    assert.equal(clock.timers, 0, 'it looks no more');
  });

  it('looks no more when stopped', () => {
    silence.watch(() => {}).stop();
    assert.equal(clock.timers, 0);
  });
});
