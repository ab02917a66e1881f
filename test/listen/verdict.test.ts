import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../src/listen/outcome.ts';
import { type History, judge, type Means, type Verdict } from '../../src/listen/verdict.ts';

const HISTORY: History = { reached: true, failures: 0, futileRenewals: 0, retryMs: 2_000 };
const MEANS: Means = { renewable: true, attemptsMax: Number.POSITIVE_INFINITY, random: () => 0 };

const unreachable: Outcome = { kind: 'unreachable', why: 'w' };
const noToken: Outcome = { kind: 'no_token', why: 'w' };
const expired: Outcome = { kind: 'ended', reason: 'token_expired', reconnect: false };
const unauthorized: Outcome = {
  kind: 'refused',
  problem: { status: 401, code: 'bad_signature', text: '401' },
};
const busy: Outcome = { kind: 'unavailable', problem: { status: 503, text: '503' }, afterMs: 5_000 };

/** What the whole listener's tests do not reach, or reach by luck only. */
describe('judge', () => {
  const cases: readonly {
    name: string;
    outcome: Outcome;
    history?: Partial<History>;
    means?: Partial<Means>;
    expected: Partial<Verdict>;
  }[] = [
    {
      name: 'nobody there, never',
      outcome: unreachable,
      history: { reached: false },
      expected: { kind: 'exit', code: 3 },
    },
    {
      name: 'nobody there any more',
      outcome: unreachable,
      expected: { kind: 'again', afterMs: 2_000, renew: false },
    },
    {
      name: 'no first token',
      outcome: noToken,
      history: { reached: false },
      expected: { kind: 'exit', code: 1 },
    },
    { name: 'no further token', outcome: noToken, expected: { kind: 'again', afterMs: 500, renew: true } },
    {
      name: 'later, by Retry-After',
      outcome: busy,
      expected: { kind: 'again', afterMs: 5_000, renew: false },
    },
    {
      name: 'later, by retry:',
      outcome: busy,
      history: { retryMs: 9_000 },
      expected: { kind: 'again', afterMs: 9_000 },
    },
    {
      name: 'later, by backoff',
      outcome: busy,
      history: { failures: 9 },
      expected: { kind: 'again', afterMs: 15_000 },
    },
    { name: 'expired', outcome: expired, expected: { kind: 'again', afterMs: 0, renew: true } },
    {
      name: 'expired again',
      outcome: expired,
      history: { futileRenewals: 2 },
      expected: { kind: 'again', afterMs: 1_000 },
    },
    {
      name: 'expired for good',
      outcome: expired,
      history: { futileRenewals: 3 },
      expected: { kind: 'exit', code: 4 },
    },
    {
      name: 'expired, one token',
      outcome: expired,
      means: { renewable: false },
      expected: { kind: 'exit', code: 4 },
    },
    {
      name: 'first refusal',
      outcome: unauthorized,
      history: { reached: false },
      expected: { kind: 'exit', code: 6 },
    },
    { name: 'later refusal', outcome: unauthorized, expected: { kind: 'again', renew: true } },
    {
      name: 'refused for good',
      outcome: unauthorized,
      history: { futileRenewals: 3 },
      expected: { kind: 'exit', code: 6 },
    },
    {
      name: 'last attempt',
      outcome: busy,
      history: { failures: 1 },
      means: { attemptsMax: 2 },
      expected: { kind: 'exit', code: 3 },
    },
  ];
  for (const { name, outcome, history, means, expected } of cases) {
    it(name, () => {
      assert.partialDeepStrictEqual(
        judge(outcome, { ...HISTORY, ...history }, { ...MEANS, ...means }),
        expected,
      );
    });
  }
});
