import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noRedis } from '../support/redis/redis-server.ts';
import { table } from './flat.ts';
import { soak } from './run.ts';

const MINUTES = 3;
const LIMIT_MS = 600_000;

describe('after three minutes of churn and trouble', { timeout: LIMIT_MS }, () => {
  it('every process holds what it held before, and every promise was kept', {
    skip: noRedis,
    timeout: LIMIT_MS,
  }, async (test) => {
    const { rows, failures, counts, tally, revocations } = await soak({
      minutes: MINUTES,
      seed: 1,
      progress: (line) => test.diagnostic(line),
    });
    assert.deepEqual(failures, []);
    for (const [process, figures] of rows) {
      assert.ok(
        figures.every(({ flat }) => flat),
        table(process, figures),
      );
    }
    // A run in which nothing happens keeps everything; the bounds are far below what is usual.
    assert.ok(counts.events > 2_000, `${counts.events} events were delivered`);
    assert.ok(counts.resumed > 50, `${counts.resumed} streams resumed`);
    assert.ok(counts.answersApplied > 20, `${counts.answersApplied} answers were applied`);
    assert.ok(counts.expired > 0, 'tokens expired');
    assert.ok(counts.revoked > 20, `${counts.revoked} streams were ended as revoked`);
    assert.ok(counts.revokedRefused > 5, `revoked tokens were refused ${counts.revokedRefused} times`);
    const { asked, held } = revocations;
    assert.ok(held > 0 && held < asked, `${held} of ${asked} revocations are held`);
    for (const [what, times] of Object.entries(tally)) assert.ok(times > 0, `${what}: ${times}`);
  });
});
