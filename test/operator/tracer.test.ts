import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../src/core/coded-error.ts';
import type { Work } from '../../src/kube/work-queue.ts';
import { tracedWork } from '../../src/operator/tracer.ts';

class Fault extends CodedError {
  constructor(retryable: boolean) {
    super('fault', 'it failed', { retryable });
  }
}

const WHAT = { kind: 'JwtGuard', namespace: 'shop', name: 'main' };

describe('work that is traced', () => {
  const outcomes: readonly [outcome: string, fault: Error | undefined][] = [
    ['done', undefined],
    ['retry', new Fault(true)],
    ['retry', new TypeError('ours')],
    ['terminal', new Fault(false)],
  ];
  for (const [outcome, fault] of outcomes) {
    it(`tells ${outcome} when ${fault === undefined ? 'nothing' : 'something'} fails, and changes nothing`, async () => {
      const told: string[] = [];
      const work = tracedWork(
        { reconciling: (what) => (end) => void told.push(JSON.stringify(what), end) },
        (key) => ({ ...WHAT, name: key }),
        async () => {
          if (fault !== undefined) throw fault;
          return { againAfterMs: 5 };
        },
      );
      const done = work('main', new AbortController().signal);
      if (fault === undefined) assert.deepEqual(await done, { againAfterMs: 5 });
      else await assert.rejects(done, fault);
      assert.deepEqual(told, [JSON.stringify(WHAT), outcome]);
    });
  }

  it('is the work itself when nothing is traced', () => {
    const work: Work = async () => undefined;
    assert.equal(
      tracedWork(undefined, () => WHAT, work),
      work,
    );
  });
});
