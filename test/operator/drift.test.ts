import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../src/kube/kube-object.ts';
import { APPLIED_ANNOTATION, marked, saidFingerprint, says } from '../../src/operator/drift.ts';
import { type Ownership, ownershipOf } from '../../src/operator/ownership.ts';

const draft = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'n', labels: { mine: 'yes' } },
  spec: { ports: [{ port: 80 }], selector: { app: 'a' } },
};
const identity = { uid: 'u', resourceVersion: '1' };
const live = (spec: object, labels: object = { mine: 'yes' }) =>
  parseObject({ ...draft, metadata: { ...draft.metadata, ...identity, labels }, spec });

describe('drift', () => {
  const CASES: Readonly<Record<string, readonly [ReturnType<typeof live>, boolean]>> = {
    'defaults that the API server has added': [
      live({ ports: [{ port: 80, protocol: 'TCP' }], selector: { app: 'a' }, type: 'ClusterIP' }),
      false,
    ],
    'a label of somebody else': [
      live({ ports: [{ port: 80 }], selector: { app: 'a' } }, { mine: 'yes', yours: 'too' }),
      false,
    ],
    'another value': [live({ ports: [{ port: 81 }], selector: { app: 'a' } }), true],
    'a field that is gone': [live({ ports: [{ port: 80 }] }), true],
    'a longer list': [live({ ports: [{ port: 80 }, { port: 81 }], selector: { app: 'a' } }), true],
    'another label': [live({ ports: [{ port: 80 }], selector: { app: 'a' } }, { mine: 'no' }), true],
  };
  for (const [what, [object, isDrift]] of Object.entries(CASES)) {
    it(`${what} is ${isDrift ? '' : 'not '}drift`, () => assert.equal(says(object, draft), !isDrift));
  }

  it('is told from another way of writing by what the object was right after it was applied', () => {
    const wanted = { ...draft, spec: { cpu: '0.5' } };
    assert.equal(says(live({ cpu: '500m' }), wanted), false);
    assert.equal(
      saidFingerprint(live({ cpu: '500m', more: 1 }), wanted),
      saidFingerprint(live({ cpu: '500m' }), wanted),
    );
    assert.notEqual(
      saidFingerprint(live({ cpu: '1' }), wanted),
      saidFingerprint(live({ cpu: '500m' }), wanted),
    );
  });

  it('is not what a draft says less: its mark tells', () => {
    const { selector: _, ...spec } = draft.spec;
    const mark = (of: typeof draft | { spec: object }) =>
      JSON.stringify(marked({ ...draft, ...of }).metadata['annotations']);
    assert.match(mark(draft), new RegExp(`"${APPLIED_ANNOTATION}":"[0-9a-f]{32}"`));
    assert.notEqual(mark(draft), mark({ spec }));
    assert.equal(mark(draft), mark({ spec: { selector: { app: 'a' }, ports: [{ port: 80 }] } }));
  });
});

describe('ownership', () => {
  const gateway = { name: 'events', uid: 'ours' };
  const owner = (more: object) => ({
    kind: 'EventGateway',
    name: 'events',
    uid: 'ours',
    controller: true,
    ...more,
  });
  const CASES: Readonly<Record<string, readonly [readonly object[] | undefined, Ownership]>> = {
    'nobody owns': [undefined, 'foreign'],
    'the gateway controls': [[{ kind: 'A', name: 'a', uid: 'a' }, owner({})], 'ours'],
    'the gateway merely owns': [[owner({ controller: false })], 'foreign'],
    'a deleted gateway of its name controls': [[owner({ uid: 'former' })], 'former'],
    'another gateway controls': [[owner({ uid: 'other', name: 'other' })], 'foreign'],
    'another kind controls': [[owner({ uid: 'other', kind: 'Other' })], 'foreign'],
  };
  for (const [what, [ownerReferences, ownership]] of Object.entries(CASES)) {
    it(`of what ${what}: ${ownership}`, () => {
      const metadata = { ...draft.metadata, ...identity, ...(ownerReferences && { ownerReferences }) };
      assert.equal(ownershipOf(parseObject({ ...draft, metadata }), gateway), ownership);
    });
  }
});
