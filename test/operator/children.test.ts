import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { isJsonObject, type KubeObject, parseObject } from '../../src/kube/kube-object.ts';
import { judgeGateway, judgeGuard } from '../../src/operator/judge.ts';
import type { Wish } from '../../src/operator/resources/child.ts';
import { children, type ScaledBy } from '../../src/operator/resources/children.ts';
import { FULL, gatewayDocument, guardDocument } from './documents.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/** As the API server would have it. */
function object(document: { readonly metadata: object }): KubeObject {
  return parseObject({ ...document, metadata: { ...document.metadata, uid: 'uid', resourceVersion: '1' } });
}

function wish(more: object = {}): Wish {
  const gateway = judgeGateway(object(gatewayDocument('shop', 'events', more)));
  const guard = judgeGuard(object(guardDocument('shop', 'main')));
  assert.ok(gateway.ok && guard.ok);
  return {
    name: 'events',
    namespace: 'shop',
    uid: 'uid',
    spec: gateway.spec,
    guards: new Map([['main', guard.spec]]),
    image: 'tidegate:1.2.3',
    operatorNamespace: 'tidegate-system',
  };
}

const drafts = (more?: object, scaledBy: ScaledBy = 'operator') =>
  children(wish(more), scaledBy).map(({ object: draft }) => draft);

function deploymentSpec(name: string, more?: object, scaledBy?: ScaledBy) {
  const found = drafts(more, scaledBy).find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === name,
  );
  assert.ok(isJsonObject(found?.['spec']));
  return found['spec'];
}

/** The template without what a rollout is not about. */
const template = (name: string, more?: object) => deploymentSpec(name, more)['template'];

describe('children', () => {
  // UPDATE_GOLDEN=1 writes them; what has changed is then to be read.
  for (const [file, more] of Object.entries({ minimal: {}, full: FULL })) {
    it(`of a ${file} spec are as in golden/${file}.yaml`, async () => {
      const path = join(GOLDEN, `${file}.yaml`);
      const text = drafts(more)
        .map((draft) => stringify(draft, { aliasDuplicateObjects: false }))
        .join('---\n');
      if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(path, text);
      const golden = parseAllDocuments(await readFile(path, 'utf8')).map((each) => each.toJS());
      assert.deepEqual(JSON.parse(JSON.stringify(drafts(more))), golden);
    });
  }

  it('leave the number of replicas to an autoscaler once it can have it', () => {
    assert.equal(deploymentSpec('events-gateway', FULL, 'operator')['replicas'], 3);
    assert.equal('replicas' in deploymentSpec('events-gateway', FULL, 'autoscaler'), false);
    assert.equal(deploymentSpec('events-ingest', FULL, 'autoscaler')['replicas'], 3);
  });

  const LIVE: Readonly<Record<string, object>> = {
    streams: { streams: [{ path: '/other', public: true }] },
    limits: { limits: { connections: 5 } },
    cors: { cors: { origins: ['https://a.example'] } },
    replay: { replay: { maxEvents: 5 } },
    heartbeat: { heartbeat: '5s' },
    replicas: { gateway: { replicas: 7 }, ingest: { auth: 'None', replicas: 7 } },
  };
  for (const [what, more] of Object.entries(LIVE)) {
    it(`replace no pod for ${what}, which the program picks up`, () => {
      assert.deepEqual(template('events-gateway', more), template('events-gateway'));
      assert.deepEqual(template('events-ingest', more), template('events-ingest'));
    });
  }

  const ROLLED: Readonly<Record<string, readonly [object, 'gateway' | 'ingest']>> = {
    'another prefix': [{ redis: { urlSecretRef: { name: 'redis', key: 'url' }, prefix: 'p:' } }, 'gateway'],
    'another Secret': [{ redis: { urlSecretRef: { name: 'other', key: 'url' } } }, 'ingest'],
    'a certificate': [{ tls: { secretName: 'certificate' } }, 'gateway'],
    'the port of revocations': [{ revocations: {} }, 'gateway'],
    'drain times': [{ drain: { window: '5s' } }, 'gateway'],
    'certificates of producers': [{ ingest: { ...FULL.ingest, auth: 'None' } }, 'ingest'],
  };
  for (const [what, [more, component]] of Object.entries(ROLLED)) {
    it(`replace the ${component} pods for ${what}`, () =>
      assert.notDeepEqual(template(`events-${component}`, more), template(`events-${component}`)));
  }

  it('give gateway pods, and no others, the environment that the operator hands on', () => {
    const env = (component: string) => {
      const spec = children({ ...wish(), gatewayEnv: { A: 'a', B: 'b' } }, 'operator').find(
        ({ object: draft }) => draft.kind === 'Deployment' && draft.metadata.name === `events-${component}`,
      );
      return JSON.parse(JSON.stringify(spec)).object.spec.template.spec.containers[0].env.slice(1);
    };
    assert.deepEqual(env('gateway'), [
      { name: 'A', value: 'a' },
      { name: 'B', value: 'b' },
    ]);
    assert.deepEqual(env('ingest'), []);
  });

  const NAMES: Readonly<Record<string, boolean>> = {
    events: true,
    'e-1': true,
    ['e'.repeat(50)]: true,
    ['e'.repeat(51)]: false,
    '1events': false,
    'a.b': false,
  };
  for (const [name, isFit] of Object.entries(NAMES)) {
    it(`${isFit ? 'can' : 'can not'} be named after "${name.slice(0, 8)}", ${name.length} characters`, () => {
      const judged = judgeGateway(object(gatewayDocument('shop', name)));
      assert.equal(judged.ok, isFit);
      if (!judged.ok) assert.match(judged.faults.join(), /^metadata\.name: must be at most 50 /);
    });
  }
});
