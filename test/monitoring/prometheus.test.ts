import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { openStream } from '../support/open-stream.ts';
import { noRedis } from '../support/redis/redis-server.ts';
import { metricNames, shownNames } from './metric-names.ts';
import { noPrometheus } from './prometheus-needs.ts';
import { filledIn, type Monitored, startMonitored } from './rig.ts';

const WINDOW = '10s';
const SUBJECTS = 10_000;
const TOPICS = 10_000;
const STREAMS = 300;

interface Target {
  readonly title: string;
  readonly expr: string;
}

const dashboard = JSON.parse(await readFile(join(ROOT, 'helm/tidegate/monitoring/dashboard.json'), 'utf8'));
const TARGETS: readonly Target[] = dashboard.panels.flatMap(
  ({ title, targets = [] }: { title: string; targets?: { expr: string }[] }) =>
    targets.map(({ expr }) => ({ title, expr })),
);

describe('the dashboard', () => {
  it('asks for metrics and records that there are', async () => {
    const rules = await readFile(join(ROOT, 'helm/tidegate/monitoring/rules.yaml'), 'utf8');
    const recorded = Array.from(rules.matchAll(/record: (\S+)/g), ([, name = '']) => name);
    const known = new Set([...shownNames(createMetrics({ version: '1' })), ...recorded]);
    const unknown = TARGETS.flatMap(({ expr }) => metricNames(expr)).filter((name) => !known.has(name));
    assert.deepEqual(unknown, []);
  });

  it('shows every metric of the contract, or an alert does', async () => {
    const rules = await readFile(join(ROOT, 'helm/tidegate/monitoring/rules.yaml'), 'utf8');
    const shown = `${rules}${JSON.stringify(dashboard)}`;
    const unseen = createMetrics({ version: '1' })
      .definitions()
      .filter(({ name }) => name.startsWith('tidegate_') && !shown.includes(name))
      .map(({ name }) => name);
    assert.deepEqual(unseen, UNSEEN);
  });

  it('has a number and a place for each panel', () => {
    const ids = dashboard.panels.map(({ id }: { id: number }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const places = dashboard.panels.map(
      ({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x} ${y}`,
    );
    assert.equal(new Set(places).size, places.length);
  });
});

/** What is for a closer look, and on no panel. */
const UNSEEN: readonly string[] = ['tidegate_ring_events'];

describe('a real Prometheus', { skip: noPrometheus || noRedis, timeout: 480_000 }, () => {
  const stack = new AsyncDisposableStack();
  let monitored: Monitored;
  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-monitoring-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    monitored = await startMonitored(directory, stack);
    await monitored.annoy();
    await monitored.cutRedis(2_000);
    await monitored.changeGuard();
  });
  after(() => stack.disposeAsync());

  for (const { title, expr } of TARGETS) {
    it(`has data for "${title}": ${expr}`, async () => {
      await eventually(async () => {
        const series = await monitored.prometheus.query(filledIn(expr, WINDOW));
        const values = series.flatMap(({ points }) => points.map(([, value]) => value));
        assert.ok(values.some(Number.isFinite), `${values.length} values, none of them a number`);
      });
    });
  }

  it('has no fault with any rule', async () => {
    const failures = await monitored.prometheus.query(
      'sum(prometheus_rule_evaluation_failures_total) or vector(0)',
    );
    assert.equal(failures[0]?.points[0]?.[1], 0);
  });

  it('has the same series after ten thousand subjects and topics', async () => {
    const { prometheus, publishPort, gateways, deployment } = monitored;
    const count = async () => {
      const [all] = await prometheus.query('count({job="events-admin",__name__=~"tidegate_.+"})');
      return all?.points[0]?.[1] ?? 0;
    };
    const published = async (lines: readonly object[]) => {
      const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      const url = `http://127.0.0.1:${publishPort}/publish`;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
      const replies = (await response.text()).trimEnd().split('\n');
      assert.equal(replies.length, lines.length);
      assert.deepEqual(replies.filter((reply) => !reply.includes('"id"')).slice(0, 3), []);
    };
    await published([{ data: 'first', topic: 'a', to: 'someone', guard: 'main' }]);
    await scraped(monitored);
    const series = await count();
    assert.ok(series > 500, `${series} series`);

    const now = Date.now();
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, (_, i) => {
        const token = deployment.mint({ guard: 'main', subject: `s${i}`, topics: [] }, now, now + 600_000);
        const headers = { authorization: `Bearer ${token}` };
        return openStream(gateways[i % 2]?.port ?? 0, '/own', headers);
      }),
    );
    try {
      const subjects = Array.from({ length: SUBJECTS }, (_, i) => ({
        data: i,
        topic: 'a',
        to: `s${i}`,
        guard: 'main',
      }));
      const topics = Array.from({ length: TOPICS }, (_, i) => ({ data: i, topic: `own.s${i}` }));
      for (let i = 0; i < SUBJECTS; i += 1_000) {
        await published(subjects.slice(i, i + 1_000));
        await published(topics.slice(i, i + 1_000));
      }
      await Promise.all(streams.map((stream) => stream.next('message').catch(() => stream.next(''))));
      await scraped(monitored);
      // A scrape that took too long has no series at all; one too many would stay.
      await eventually(async () => assert.equal(await count(), series));
    } finally {
      for (const stream of streams) stream[Symbol.dispose]();
    }
  });
});

/** Resolves when everything has been scraped once more. */
async function scraped({ prometheus }: Monitored): Promise<void> {
  const since = Date.now() / 1_000;
  await eventually(async () => {
    const [oldest] = await prometheus.query('min(timestamp(up)) and min(up) == 1');
    assert.ok((oldest?.points[0]?.[1] ?? 0) > since);
  });
}
