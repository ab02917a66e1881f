import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { condition } from '../../src/config/status.ts';
import { epochMs } from '../../src/core/brand.ts';
import { conditionsOf, type Finding, listed, turned } from '../../src/operator/condition.ts';
import { type GatewayFacts, gatewayFindings, SHORT_MS_MAX } from '../../src/operator/gateway-conditions.ts';
import { type GuardFacts, guardFindings } from '../../src/operator/guard-conditions.ts';
import { parsePodReport, SILENT } from '../../src/operator/pod-report.ts';
import type { WorkloadFacts } from '../../src/operator/workload-facts.ts';

const NOW = epochMs(Date.parse('2026-01-01T00:00:00Z'));

const settled: WorkloadFacts = {
  name: 'w',
  desired: 2,
  ready: 2,
  updated: 2,
  total: 2,
  observed: true,
  stalled: false,
  shortSince: undefined,
};
const gatewayFacts: GatewayFacts = {
  name: 'events',
  namespace: 'shop',
  faults: [],
  crossFaults: [],
  missingGuards: [],
  faultyGuards: [],
  foreign: [],
  refused: [],
  missingTypes: [],
  workloads: { gateway: settled, ingest: settled },
  trouble: [],
};
const guardFacts: GuardFacts = {
  name: 'main',
  uid: 'u',
  generation: 7,
  faults: [],
  gateways: ['events'],
  pods: [],
  keysFault: undefined,
};

/** `TYPE=STATUS/REASON` of each. */
const brief = (findings: readonly Finding[]) =>
  findings.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ');
const workload = (gateway: Partial<WorkloadFacts>) => ({
  workloads: { gateway: { ...settled, ...gateway }, ingest: settled },
});

describe('conditions of a gateway', () => {
  const FINE =
    'Accepted=True/Accepted Ready=True/Serving Progressing=False/Settled Degraded=False/AsExpected'.split(
      ' ',
    );
  const [A = '', R = '', P = '', D = ''] = FINE;
  const CASES: Readonly<Record<string, readonly [Partial<GatewayFacts>, readonly string[]]>> = {
    'all is well': [{}, FINE],
    'the spec is invalid': [
      { faults: ['spec.retry: must be a duration'] },
      ['Accepted=False/Invalid', R, P, D],
    ],
    'a guard is missing': [{ missingGuards: ['main'] }, ['Accepted=False/GuardNotFound', R, P, D]],
    'two guards share an issuer': [{ crossFaults: ['x'] }, ['Accepted=False/Conflicting', R, P, D]],
    'nothing is deployed': [{ workloads: {} }, [A, 'Ready=False/NotDeployed', P, D]],
    'it has just been made': [
      workload({ ready: 0, updated: 0, total: 0, observed: false }),
      [A, 'Ready=False/GatewayNotReady', 'Progressing=True/RollingOut', D],
    ],
    'a rollout is under way': [
      workload({ ready: 2, updated: 1, total: 3 }),
      [A, R, 'Progressing=True/RollingOut', D],
    ],
    'old pods still end': [workload({ updated: 2, total: 3 }), [A, R, 'Progressing=True/RollingOut', D]],
    'it is scaled up': [
      workload({ desired: 5, ready: 2, updated: 5, total: 5, shortSince: NOW - 1_000 }),
      [A, R, 'Progressing=True/Scaling', D],
    ],
    'a pod has been away for a moment': [
      workload({ ready: 1, shortSince: NOW - SHORT_MS_MAX + 1 }),
      [A, R, 'Progressing=True/Scaling', D],
    ],
    'a pod has been away for a minute': [
      workload({ ready: 1, shortSince: NOW - SHORT_MS_MAX }),
      [A, R, P, 'Degraded=True/PodsNotReady'],
    ],
    'a rollout is stuck': [
      workload({ updated: 1, total: 3, stalled: true }),
      [A, R, P, 'Degraded=True/RolloutStalled'],
    ],
    'there are to be no pods': [
      workload({ desired: 0, ready: 0, updated: 0, total: 0 }),
      [A, 'Ready=False/ScaledToZero', P, D],
    ],
    'an object is in the way': [{ foreign: ['Service a'] }, [A, R, P, 'Degraded=True/ChildNotOwned']],
    'the API server refuses one': [{ refused: ['Role a: no'] }, [A, R, P, 'Degraded=True/ChildRefused']],
    'an API is not there': [{ missingTypes: ['HTTPRoute'] }, [A, R, P, 'Degraded=True/ApiMissing']],
    'a guard has a fault': [{ faultyGuards: ['main'] }, [A, R, P, 'Degraded=True/GuardNotAccepted']],
  };
  for (const [what, [facts, expected]] of Object.entries(CASES)) {
    it(`when ${what}: ${expected.filter((each) => !FINE.includes(each)).join(' ') || 'all fine'}`, () =>
      assert.equal(brief(gatewayFindings({ ...gatewayFacts, ...facts }, NOW)), expected.join(' ')));
  }
});

describe('conditions of a guard', () => {
  const pod = (name: string, generation: number, more: object = {}) => {
    const report = parsePodReport({
      connections: 1,
      guards: [{ name: 'main', uid: 'u', enforcedGeneration: generation, keys: 1, ...more }],
    });
    assert.ok(report);
    return { name, report };
  };
  const CASES: Readonly<Record<string, readonly [Partial<GuardFacts>, string, RegExp]>> = {
    'nobody names it': [
      { gateways: [] },
      'KeysReady=Unknown/NoPods Enforced=Unknown/NotReferenced',
      /Name it in spec\.streams\[\]\.guardRefs/,
    ],
    'no pod runs': [{}, 'KeysReady=Unknown/NoPods Enforced=Unknown/NoPods', /No pod of events runs yet/],
    'every pod is there': [
      { pods: [pod('a', 7), pod('b', 7), pod('c', 8)] },
      'KeysReady=True/KeysLoaded Enforced=True/Enforced',
      /^3 of 3 pods enforce generation 7\.$/,
    ],
    'one is behind': [
      { pods: [pod('a', 7), pod('b', 6)] },
      'KeysReady=True/KeysLoaded Enforced=False/Pending',
      /^1 of 2 pods enforce generation 7; not b\./,
    ],
    'one is in force before its cuts': [
      { pods: [pod('a', 6, { generation: 7 })] },
      'KeysReady=True/KeysLoaded Enforced=False/Pending',
      /^0 of 1 pods/,
    ],
    'one was enforcing and can not be reached now': [
      { pods: [{ name: 'a', report: { ...pod('a', 7).report, fault: 'ECONNREFUSED' } }] },
      'KeysReady=True/KeysLoaded Enforced=True/Enforced',
      /^1 of 1 pods/,
    ],
    'one can not be reached': [
      { pods: [pod('a', 7), { name: 'b', report: { ...SILENT, fault: 'ECONNREFUSED' } }] },
      'KeysReady=True/KeysLoaded Enforced=False/PodsUnreachable',
      /not b \(ECONNREFUSED\)\. Port 7190/,
    ],
    'one means a guard that was deleted': [
      { pods: [pod('a', 9, { uid: 'former' })] },
      'KeysReady=Unknown/NoPods Enforced=False/Pending',
      /^0 of 1 pods/,
    ],
    'one has no keys': [
      { pods: [pod('a', 7), pod('b', 7, { keys: 0, keysError: 'status' })] },
      'KeysReady=False/KeysMissing Enforced=True/Enforced',
      /^2 of 2 pods/,
    ],
  };
  for (const [what, [facts, expected, message]] of Object.entries(CASES)) {
    it(`when ${what}: ${expected}`, () => {
      const findings = guardFindings({ ...guardFacts, ...facts });
      assert.equal(brief(findings), `Accepted=True/Accepted ${expected}`);
      assert.match(findings.at(-1)?.message ?? '', message);
    });
  }

  it('when it has a fault: it is not accepted and not in force', () =>
    assert.equal(
      brief(guardFindings({ ...guardFacts, faults: ['spec.issuer: is required'] })),
      'Accepted=False/Invalid KeysReady=Unknown/NoPods Enforced=False/NotAccepted',
    ));
});

describe('a condition', () => {
  const finding: Finding = { type: 'Ready', status: 'True', reason: 'Serving', message: 'm' };
  const later = epochMs(NOW + 60_000);

  it('keeps the time of its transition while its status stays', () => {
    const first = conditionsOf([finding], [], 1, NOW);
    const [second] = conditionsOf([{ ...finding, reason: 'Other' }], first, 2, later);
    assert.deepEqual(second, {
      type: 'Ready',
      status: 'True',
      observedGeneration: 2,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'Other',
      message: 'm',
    });
    const [third] = conditionsOf([{ ...finding, status: 'False' }], first, 2, later);
    assert.equal(third?.lastTransitionTime, '2026-01-01T00:01:00Z');
  });

  it('is as the definition wants it, whatever the message', () => {
    const [made] = conditionsOf([{ ...finding, message: 'x'.repeat(100_000) }], [], 1, NOW);
    assert.equal(condition.safeParse(made).success, true);
  });

  it('has turned with another status or reason, not with another message', () => {
    const before = conditionsOf([finding], [], 1, NOW);
    const is = (more: Partial<Finding>) =>
      turned(conditionsOf([{ ...finding, ...more }], before, 1, NOW), before).length === 1;
    assert.deepEqual(
      [is({ message: 'n' }), is({ reason: 'Other' }), is({ status: 'False' })],
      [false, true, true],
    );
  });

  it('lists five texts and counts the rest', () =>
    assert.equal(listed(['1', '2', '3', '4', '5', '6', '7']), '1; 2; 3; 4; 5; and 2 more'));
});
