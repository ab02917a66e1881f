import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { chartManifests, valuesFiles } from '../../scripts/chart-manifests.ts';
import { builtBinaries } from '../support/cluster.ts';
import { noBinaries } from '../support/cluster-needs.ts';
import { ROOT } from '../support/dev-process.ts';

const CHART = join(ROOT, 'helm', 'tidegate');

describe('the chart', { skip: noBinaries, timeout: 900_000 }, () => {
  let bin: string;
  before(async () => {
    bin = await builtBinaries();
  });

  const helm = async (name: string, ...args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(join(bin, name), args, { timeout: 60_000 });
    return stdout;
  };
  const template = (...args: readonly string[]) => helm('helm', 'template', 'tidegate', CHART, ...args);

  for (const name of ['helm', 'helm3']) {
    it(`has no fault that ${name} lint --strict finds, whatever the values`, async () => {
      for (const file of valuesFiles()) {
        await helm(name, 'lint', '--strict', CHART, '--values', file);
      }
    });

    it(`gives what is kept in the repository, by ${name}`, () => {
      for (const { path, text } of chartManifests(join(bin, name))) {
        assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, `${path} is stale: npm run generate`);
      }
    });
  }

  it('has the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const text = readFileSync(join(CHART, 'Chart.yaml'), 'utf8');
    assert.match(text, new RegExp(`^version: ${version}$`, 'm'));
    assert.match(text, new RegExp(`^appVersion: ${version}$`, 'm'));
  });

  const faults: readonly [RegExp, ...string[]][] = [
    [/redis\.existingSecret\.name is needed when redis\.enabled is false/, 'redis.enabled=false'],
    [/guard\.keys and guard\.spec\.jwks both say/, 'guard.keys=x', 'guard.spec.jwks.uri=https://x.example'],
    [/serviceAccount\.name is needed/, 'serviceAccount.create=false'],
    [/operator.*logLevel/s, 'operator.logLevel=loud'],
    [/replica/, 'operator.replica=2'],
    [/gateway.*name/s, 'gateway.name=Events'],
    [/existingSecrets/, 'redis.existingSecrets.name=x'],
  ];
  for (const [message, ...settings] of faults) {
    it(`refuses ${settings.join(' ')} by name`, async () => {
      await assert.rejects(template(...settings.flatMap((each) => ['--set', each])), message);
    });
  }

  it('gives rules and dashboard as they are, where they are wanted', async () => {
    const wanted = [
      'monitoring.rules.enabled=true',
      'monitoring.rules.labels.release=prometheus',
      'monitoring.rules.runbooks=https://wiki.example/',
      'monitoring.dashboard.enabled=true',
    ];
    const text = await template('--set', wanted.join(','), '--show-only', 'templates/monitoring.yaml');
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    const [dashboard, rule] = documents.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
    const file = (name: string) => readFileSync(join(CHART, 'monitoring', name), 'utf8');
    assert.equal(rule.kind, 'PrometheusRule');
    assert.equal(rule.metadata.labels.release, 'prometheus');
    const rules = file('rules.yaml').replaceAll(
      'docs/runbooks.md#',
      'https://wiki.example/docs/runbooks.md#',
    );
    assert.deepEqual(rule.spec, parse(rules));
    assert.equal(dashboard.kind, 'ConfigMap');
    assert.equal(dashboard.metadata.labels.grafana_dashboard, '1');
    assert.deepEqual(JSON.parse(dashboard.data['tidegate.json']), JSON.parse(file('dashboard.json')));
    await assert.rejects(template('--show-only', 'templates/monitoring.yaml'), /could not find template/);
  });

  it('refuses a cluster that is too old', async () => {
    await assert.rejects(template('--kube-version', '1.27.9'), /kubeVersion|incompatible/);
    await template('--kube-version', '1.28.0');
  });

  it('tells what to do next, with the names of the release', async () => {
    const notes = async (...args: readonly string[]) => {
      const dry = ['install', 'live', CHART, '--dry-run=client', '--namespace', 'streams'];
      return (await helm('helm', ...dry, ...args)).split('\nNOTES:\n')[1] ?? '';
    };
    const first = await notes();
    assert.match(
      first,
      /^ {2}kubectl -n streams create configmap live-tidegate-keys --from-file=jwks\.json$/m,
    );
    assert.match(first, /^ {2}kubectl -n streams port-forward service\/live-tidegate-gateway 7114:80 &$/m);
    const second = await notes('--values', join(ROOT, 'test/chart/values/own-redis.yaml'));
    assert.match(second, /^ {2}curl -N -k -H .* https:\/\/localhost:7143\/events$/m);
    assert.doesNotMatch(second, /configmap|evaluation/);
  });
});
