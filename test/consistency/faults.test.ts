import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noRedis } from '../support/redis/redis-server.ts';
import { FAULTS, isFaultName } from './faults.ts';
import { type Outcome, run } from './run.ts';

/** Small enough for two cores; `npm run consistency` runs longer and with more of everything. */
const SIZE = {
  seconds: 8,
  seed: 1,
  gateways: 2,
  ingests: 2,
  producers: 3,
  clients: 12,
  eventsPerSecond: 100,
};
const SHOWN_MAX = 5;

describe('every acknowledged event comes exactly once and in order, or a gap is told, and none by a revoked token', () => {
  for (const name of Object.keys(FAULTS).filter(isFaultName)) {
    const { store } = FAULTS[name];
    it(`with fault ${name}`, { skip: store === 'memory' ? false : noRedis }, async () => {
      const outcome = await run({ ...SIZE, fault: name });
      assert.deepEqual(told(outcome), []);
      assertMuchHappened(outcome, name);
    });
  }
});

/** What went wrong, with the entries that show it. */
function told({ violations, failures, entries, logs }: Outcome): readonly unknown[] {
  const shown = violations
    .slice(0, SHOWN_MAX)
    .map((violation) => ({ ...violation, entries: violation.entries.map((index) => entries[index]) }));
  if (shown.length === 0 && failures.length === 0) return [];
  return [`${violations.length} violations`, ...shown, ...failures, logs];
}

/** A run in which nothing happens keeps every promise; the bounds are far below what is usual. */
function assertMuchHappened({ counts }: Outcome, name: string): void {
  assert.ok(counts.acknowledged > 100, `${counts.acknowledged} events were acknowledged`);
  assert.ok(counts.events > 500, `${counts.events} events were delivered`);
  assert.ok(counts.resumed > 5, `${counts.resumed} streams resumed`);
  assert.ok(counts.answersApplied > 0, 'answers were applied');
  assert.ok(counts.expired > 0, 'tokens expired');
  assert.ok(counts.revocations > 0, 'tokens were revoked');
  assert.ok(counts.revoked > 0, 'streams were ended as revoked');
  if (name !== 'dev' && name !== 'none') assert.ok(counts.faults > 0, 'something was broken');
}
