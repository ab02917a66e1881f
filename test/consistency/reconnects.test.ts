import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { absencesMs, histogram } from './reconnects.ts';
import { ScriptedHistory } from './scripted-history.ts';

const history = () => new ScriptedHistory().client().open({ head: '0-0' });

describe('how long clients were without a stream', () => {
  it('is from the cut to the next opening, refusals between included', () => {
    const { entries } = history()
      .cut()
      .wait(40)
      .record({ kind: 'rejected', client: 'c1', gateway: 'g1', status: 503 })
      .wait(50)
      .open({ resume: '0-0' });
    assert.deepEqual(absencesMs(entries), [93]);
  });

  it('counts what the server ended, but for tokens that expired', () => {
    const drained = history().end('draining').cut().open({ resume: '0-0' });
    assert.equal(absencesMs(drained.entries).length, 1);
    const expired = history().end('token_expired').cut().open({ resume: '0-0' });
    assert.deepEqual(absencesMs(expired.entries), []);
  });

  it('does not count what the client left', () => {
    const { entries } = history().record({ kind: 'cut', client: 'c1', by: 'client' }).open({ resume: '0-0' });
    assert.deepEqual(absencesMs(entries), []);
  });

  it('is told by size', () => {
    assert.match(
      histogram([1, 50, 51, 20_000]),
      /^≤ 50 ms 2 · ≤ 100 ms 1 · ≤ 200 ms 0 .* ≤ 10000 ms 0 · more 1$/,
    );
  });
});
