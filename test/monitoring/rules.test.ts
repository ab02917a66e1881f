import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { ROOT } from '../support/dev-process.ts';
import { ALERT_CASES, type Series } from './alert-cases.ts';
import { metricNames, shownNames } from './metric-names.ts';
import { noPrometheus } from './prometheus-needs.ts';

const FILE = join(ROOT, 'helm/tidegate/monitoring/rules.yaml');
const RUNBOOKS = 'docs/runbooks.md';
const TEXT = readFileSync(FILE, 'utf8');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const RULES: readonly Rule[] = parse(TEXT).groups.flatMap(({ rules }: { rules: Rule[] }) => rules);
const ALERTS = RULES.filter(({ alert }) => alert !== undefined);

describe('the rules', () => {
  it('name metrics that there are', () => {
    const known = new Set([
      ...shownNames(createMetrics({ version: '1' })),
      ...RULES.flatMap(({ record }) => record ?? []),
    ]);
    const unknown = RULES.flatMap(({ expr }) => metricNames(expr)).filter((name) => !known.has(name));
    assert.deepEqual(unknown, []);
  });

  it('use everything that they record, but for what the dashboard draws', async () => {
    const dashboard = await readFile(join(ROOT, 'helm/tidegate/monitoring/dashboard.json'), 'utf8');
    const used = `${dashboard}${RULES.map(({ expr }) => expr).join('\n')}`;
    assert.deepEqual(
      RULES.flatMap(({ record }) => (record === undefined || used.includes(record) ? [] : record)),
      [],
    );
  });

  for (const { alert = '', labels, annotations } of ALERTS) {
    it(`say of ${alert} how bad it is, what it means and what to do`, async () => {
      assert.ok(labels?.['severity'] === 'warning' || labels?.['severity'] === 'critical');
      assert.match(annotations?.['summary'] ?? '', /\.$/);
      assert.match(annotations?.['description'] ?? '', /\.$/);
      assert.equal(annotations?.['runbook_url'], `${RUNBOOKS}#${alert.toLowerCase()}`);
      assert.match(await readFile(join(ROOT, RUNBOOKS), 'utf8'), new RegExp(`^### ${alert}$`, 'm'));
    });
  }

  it('are each tried below, and each has trouble of its own', () => {
    assert.deepEqual(
      ALERT_CASES.map(({ alert }) => alert),
      ALERTS.map(({ alert }) => alert),
    );
  });

  it('leave no section of the runbooks without an alert', async () => {
    const sections = (await readFile(join(ROOT, RUNBOOKS), 'utf8')).matchAll(/^### (.*)$/gm);
    assert.deepEqual(
      [...sections].map(([, name]) => name).toSorted(),
      ALERTS.map(({ alert }) => alert).toSorted(),
    );
  });
});

describe('the rules, by promtool', { skip: noPrometheus }, () => {
  it('have no fault', async () => {
    await promtool('check', 'rules', FILE);
  });

  for (const { alert, minutes, trouble, health, labels = {}, severity } of ALERT_CASES) {
    it(`fire ${alert} for its trouble`, async (test) => {
      const named = { alertname: alert, alertstate: 'firing', job: 'events-admin', namespace: 'live' };
      const all = { ...named, ...labels, severity };
      const series = Object.entries(all).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      await tryOut(test, trouble, alert, [{ minute: minutes, samples: [`ALERTS{${series.join(', ')}}`] }]);
    });

    it(`do not fire ${alert} for what is not`, async (test) => {
      const each = Array.from({ length: minutes + 10 }, (_, minute) => ({ minute, samples: [] }));
      await tryOut(test, health, alert, each);
    });
  }
});

interface Expected {
  readonly minute: number;
  readonly samples: readonly string[];
}

async function tryOut(
  test: { after(done: () => Promise<void>): void },
  series: Series,
  alert: string,
  expected: readonly Expected[],
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-rules-'));
  test.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'test.json');
  const tests = [
    {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: expected.map(({ minute, samples }) => ({
        expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
        eval_time: `${minute}m`,
        exp_samples: samples.map((labels) => ({ labels, value: 1 })),
      })),
    },
  ];
  await writeFile(file, JSON.stringify({ rule_files: [FILE], evaluation_interval: '1m', tests }));
  await promtool('test', 'rules', file);
}

async function promtool(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('promtool', args, { timeout: 100_000 });
  } catch (error) {
    const { stdout = '', stderr = '' } = Object(error);
    throw new Error(`promtool ${args[0]} ${args[1]}:\n${stdout}${stderr}`);
  }
}
