import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Deployment, GATEWAY_SPEC } from '../consistency/deployment.ts';
import { histogram } from '../consistency/reconnects.ts';
import { folderOf, traces } from '../support/node-traces.ts';
import { within } from '../support/redis/within.ts';
import type { LoadVerdict } from './load.ts';
import { noRig, Rig, type Running } from './rig.ts';

/** Between one thing that happens and the next. */
const PAUSE_MS = 2_000;
/** A minute in long runs: `TIDEGATE_API_AWAY_SECONDS=60`. */
const API_AWAY_MS = Number(process.env['TIDEGATE_API_AWAY_SECONDS'] ?? 20) * 1_000;
const ROLLOUT_MS_MAX = 120_000;
/** Everything is answered and everybody has caught up by then, or it is for the verdict to say. */
const VERDICT_MS_MAX = 100_000;
/** All that happens takes some three minutes, and each of it may take longer. */
const TEST_MS_MAX = 480_000;
/** Long enough that Services have heard of a pod that goes before it refuses new streams; shorter than the default. */
const DRAIN = { lameDuck: '2s', window: '2s' };
const GATEWAY = '/apis/tidegate.dev/v1alpha1/namespaces/tidegate/eventgateways/tidegate';

describe('three gateways, two ingests and Redis under load', { skip: noRig, timeout: 900_000 }, () => {
  let rig: Rig;
  let folder = '';
  let keys = '';

  before(
    async () => {
      rig = await Rig.start();
      folder = folderOf(rig.node);
      const deployment = new Deployment(rig.directory);
      keys = join(rig.directory, 'keys.json');
      await deployment.writeKeys(keys);
      const values = join(rig.directory, 'values.json');
      const spec = { ...GATEWAY_SPEC, drain: DRAIN, ingest: { auth: 'None' }, gateway: { replicas: 3 } };
      await writeFile(values, JSON.stringify({ guard: { enabled: false }, gateway: { spec } }));
      await rig.sh(
        `helm install tidegate helm/tidegate --namespace tidegate --create-namespace --values ${values}`,
      );
      for (const guard of deployment.guards) await rig.node.apply(guard, '-n', 'tidegate');
      await whole(3);
    },
    { timeout: 900_000 },
  );
  after(() => rig?.[Symbol.asyncDispose]());

  it('lose and repeat nothing whatever becomes of the pods, the operator and the API server', {
    timeout: TEST_MS_MAX,
  }, async (test) => {
    const load = await startLoad();
    for (const [what, happen] of Object.entries(HAPPENINGS)) {
      await wait(PAUSE_MS);
      const since = performance.now();
      await happen();
      test.diagnostic(`${what}: ${((performance.now() - since) / 1_000).toFixed(1)} s until all is whole`);
    }
    await wait(PAUSE_MS);
    const verdict = await stopped(load);
    tell(test, verdict);
    assert.deepEqual(verdict.shown, []);
    const { acknowledged, events, resumed, gaps, answersApplied } = verdict.counts;
    assert.equal(gaps, 0);
    assert.ok(acknowledged > 1_000 && events > 5_000, `${acknowledged} acknowledged, ${events} delivered`);
    assert.ok(resumed > 100 && answersApplied > 50, `${resumed} resumed, ${answersApplied} answers applied`);
  });

  it('tell of a gap when Redis is gone with all that it had, and of nothing else', {
    timeout: TEST_MS_MAX,
  }, async (test) => {
    const load = await startLoad('--gaps');
    await wait(PAUSE_MS);
    await deletePod('app.kubernetes.io/component=redis');
    await wait(2 * PAUSE_MS);
    const verdict = await stopped(load);
    tell(test, verdict);
    assert.deepEqual(verdict.shown, []);
    assert.ok(verdict.counts.gaps > 0, 'clients were told');
  });

  it('leave nothing on this machine', async () => {
    await rig[Symbol.asyncDispose]();
    assert.deepEqual(traces(folder), { mounts: [], groups: [] });
  });

  /** One after the other; each ends when everything is as many as it should be, and ready. */
  const HAPPENINGS: Readonly<Record<string, () => Promise<void>>> = {
    async 'a rolling update'() {
      const podTemplate = { annotations: { 'example.com/restarted': 'now' } };
      const before = await podNames('gateway');
      await patchGateway({ gateway: { podTemplate } });
      await within(ROLLOUT_MS_MAX, async () => {
        const now = await podNames('gateway');
        assert.deepEqual(
          now.filter((name) => before.includes(name)),
          [],
        );
      });
      await whole(3);
    },
    async 'a gateway pod deleted'() {
      await deletePod('app.kubernetes.io/component=gateway,tidegate.dev/gateway=tidegate');
      await whole(3);
    },
    async 'a gateway pod killed'() {
      await deletePod('app.kubernetes.io/component=gateway,tidegate.dev/gateway=tidegate', '--force');
      await whole(3);
    },
    async 'an ingest pod deleted'() {
      await deletePod('app.kubernetes.io/component=ingest');
      await whole(3);
    },
    async 'scaled to four'() {
      await patchGateway({ gateway: { replicas: 4 } });
      await whole(4);
    },
    async 'scaled to two'() {
      await patchGateway({ gateway: { replicas: 2 } });
      await whole(2);
    },
    async 'the operator deleted'() {
      await deletePod('app.kubernetes.io/component=operator');
      await patchGateway({ gateway: { replicas: 3 } });
      await whole(3);
    },
    async 'the API server away'() {
      await rig.node.stop('kube-apiserver');
      await wait(API_AWAY_MS);
      await rig.node.start('kube-apiserver');
      // The operator and every pod follow it again.
      await patchGateway({ gateway: { replicas: 2 } });
      await whole(2);
    },
  };

  async function startLoad(...flags: readonly string[]): Promise<Running> {
    const gateway = `${await rig.clusterIp('tidegate', 'tidegate-gateway')}:80`;
    const ingest = `${await rig.clusterIp('tidegate', 'tidegate-ingest')}:7001`;
    const script = join(import.meta.dirname, 'load.ts');
    const load = rig.script(script, '--keys', keys, '--gateway', gateway, '--ingest', ingest, ...flags);
    await load.until(/"started":true/, 30_000);
    return load;
  }

  async function stopped(load: Running): Promise<LoadVerdict> {
    load.child.kill('SIGTERM');
    await load.until(/^\{"violations".*\n/m, VERDICT_MS_MAX);
    const [verdict = ''] = /^\{"violations".*$/m.exec(load.text()) ?? [];
    return JSON.parse(verdict);
  }

  async function patchGateway(spec: object): Promise<void> {
    const { status, body } = await rig.node.request(
      'PATCH',
      GATEWAY,
      { spec },
      'application/merge-patch+json',
    );
    assert.equal(status, 200, JSON.stringify(body));
  }

  /** One of them, whichever is first. */
  async function deletePod(selector: string, ...flags: readonly string[]): Promise<void> {
    const pods = await rig.sh(`kubectl -n tidegate get pods -l ${selector} -o name`);
    const [pod = ''] = pods.split('\n');
    await rig.sh(`kubectl -n tidegate delete --wait=false ${flags.join(' ')} ${pod}`);
  }

  async function podNames(component: string): Promise<readonly string[]> {
    const selector = `app.kubernetes.io/component=${component}`;
    const names = await rig.sh(`kubectl -n tidegate get pods -l ${selector} -o name`);
    return names.trim().split('\n');
  }

  /** As many as wanted, all of them ready, and none that is still leaving. */
  async function whole(gateways: number): Promise<void> {
    const wanted = { gateway: gateways, ingest: 2, operator: 1, redis: 1 };
    await within(ROLLOUT_MS_MAX, async () => {
      for (const [component, count] of Object.entries(wanted)) {
        const selector = `app.kubernetes.io/component=${component}`;
        const path = `-o jsonpath='{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}'`;
        const ready = await rig.sh(`kubectl -n tidegate get pods -l ${selector} ${path}`);
        assert.equal(ready.trim(), Array.from({ length: count }, () => 'True').join(' '), component);
      }
    });
  }
});

function tell(test: TestContext, { counts, absencesMs, history }: LoadVerdict): void {
  const told = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  test.diagnostic(told.join(' · '));
  test.diagnostic(`clients were without a stream ${absencesMs.length} times: ${histogram(absencesMs)}`);
  if (history !== undefined) test.diagnostic(`the history, an entry a line: ${history}`);
}
