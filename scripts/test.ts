/**
 * `npm test`: everything that CI runs, fast things first. Installs the Debian packages that the end-to-end tests need
 * when it may, and says what could not be tested and why. `npm test -- unit` runs the tiers named.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parseArgs } from 'node:util';
import { onPath } from '../test/support/on-path.ts';
import { buildCluster } from './cluster-build.ts';

interface Tally {
  passed: number;
  failed: number;
  /** What was not tested, and why. */
  readonly skipped: string[];
}

interface Tier {
  readonly name: string;
  /** Whether it takes the binaries of a cluster. */
  readonly cluster?: true;
  readonly run: () => Promise<Tally>;
}

const bin = (name: string): string => join(import.meta.dirname, '..', 'node_modules', '.bin', name);

/** What other tiers run. */
const ROOMS_ELSEWHERE =
  'bench|rig|redis|monitoring|e2e|consistency|soak|cluster|kube|crds|operator|chart|node|image';

const TIERS: readonly Tier[] = [
  { name: 'lint', run: () => check(bin('biome'), ['ci', '.']) },
  { name: 'types', run: () => check(bin('tsc'), ['--noEmit']) },
  {
    name: 'unit',
    run: () => tests([`test/!(${ROOMS_ELSEWHERE})/**/*.test.ts`, 'test/*.test.ts'], 900, 3),
  },
  {
    name: 'redis',
    run: async () => {
      await install({ 'redis-server': 'redis-server', 'redis-cli': 'redis-tools' });
      return tests(['test/rig/**/*.test.ts', 'test/redis/**/*.test.ts'], 900, 2);
    },
  },
  {
    name: 'bench',
    run: async () => {
      await install({
        cc: 'gcc',
        '/usr/include/stdio.h': 'libc6-dev',
        'redis-server': 'redis-server',
        'redis-cli': 'redis-tools',
      });
      return tests(['test/bench/**/*.test.ts'], 1_500);
    },
  },
  {
    name: 'monitoring',
    run: async () => {
      await install({ 'redis-server': 'redis-server', 'redis-cli': 'redis-tools', prometheus: 'prometheus' });
      return tests(['test/monitoring/**/*.test.ts'], 600);
    },
  },
  {
    name: 'e2e',
    run: async () => {
      await install({
        curl: 'curl',
        nc: 'netcat-openbsd',
        chromium: 'chromium',
        '/usr/sbin/nginx': 'nginx',
        '/usr/sbin/haproxy': 'haproxy',
      });
      return tests(['test/e2e/**/*.test.ts'], 900, 2);
    },
  },
  {
    name: 'consistency',
    run: async () => {
      await install({ 'redis-server': 'redis-server', 'redis-cli': 'redis-tools' });
      return tests(['test/consistency/**/*.test.ts', 'test/soak/**/*.test.ts'], 1_500);
    },
  },
  {
    name: 'kube',
    cluster: true,
    run: () =>
      tests(
        [
          'test/cluster/!(node).test.ts',
          'test/kube/**/*.test.ts',
          'test/crds/**/*.test.ts',
          'test/operator/**/*.test.ts',
          'test/chart/**/*.test.ts',
        ],
        1_800,
      ),
  },
  {
    name: 'node',
    cluster: true,
    run: async () => {
      await install({
        containerd: 'containerd',
        runc: 'runc',
        '/usr/lib/cni/bridge': 'containernetworking-plugins',
        nft: 'nftables',
        conntrack: 'conntrack',
        buildah: 'buildah',
      });
      return tests(['test/cluster/node.test.ts', 'test/image/**/*.test.ts', 'test/node/**/*.test.ts'], 3_600);
    },
  },
];

/** A fresh machine may be installing things by itself, whose lock is waited for, and mirrors are away at times. */
const APT = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
const POLICY = '/usr/sbin/policy-rc.d';

/** A line of the reporter `spec` for a test, or a whole suite, that was skipped or is yet to do. */
const SKIPPED = /^\s*(?:﹣ (?<name>.*) \([\d.]+ms\) # (?<reason>.*)|[✔⚠] (?<todo>.*) \([\d.]+ms\) # TODO)$/gm;

const { positionals: names } = parseArgs({ allowPositionals: true, options: {} });
const unknown = names.find((name) => !TIERS.some((tier) => tier.name === name));
if (unknown !== undefined) {
  console.error(`there is no tier "${unknown}"; the tiers are ${TIERS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const chosen = TIERS.filter(({ name }) => names.length === 0 || names.includes(name));
const clusterBuilt = chosen.some(({ cluster }) => cluster) ? buildCluster() : Promise.resolve(true);

const total: Tally = { passed: 0, failed: 0, skipped: [] };
for (const tier of chosen) {
  console.log(`\n== ${tier.name}`);
  const started = performance.now();
  const ready = tier.cluster === undefined || (await clusterBuilt);
  const tally = ready ? await tier.run() : { passed: 0, failed: 1, skipped: [] };
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped.push(...tally.skipped);
  console.log(`== ${tier.name}: ${text(tally)} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
if (total.skipped.length > 0) console.log(`\nskipped:\n${total.skipped.join('\n')}`);
console.log(`\n${text(total)}`);

function text({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
}

/** A check that either holds or does not. */
async function check(command: string, args: readonly string[]): Promise<Tally> {
  const { code } = await run(command, args, 300);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
}

/**
 * Node's own runner; its closing lines are counted, and a run that broke off counts as a failure. So does a tier without
 * a single test file, which Node takes for a success.
 *
 * @param atOnce files; most of what many tests do is wait
 */
async function tests(patterns: readonly string[], seconds: number, atOnce = 1): Promise<Tally> {
  const found = patterns.map((pattern) => ({ pattern, files: globSync(pattern) }));
  for (const { pattern } of found.filter(({ files }) => files.length === 0)) {
    console.log(`there is no test file ${pattern} yet`);
  }
  const files = found.flatMap((match) => match.files).toSorted();
  if (files.length === 0) return { passed: 0, failed: 1, skipped: [] };
  const { code, output } = await run(
    process.execPath,
    ['--test', '--test-reporter=spec', '--test-timeout=120000', `--test-concurrency=${atOnce}`, ...files],
    seconds,
  );
  const count = (name: string): number =>
    Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  // After the list the reporter repeats what failed.
  const [listed = ''] = output.split('✖ failing tests:');
  const skipped = Array.from(listed.matchAll(SKIPPED), ({ groups }) =>
    groups?.['todo'] === undefined
      ? `  ${groups?.['name']}: ${groups?.['reason'] === 'SKIP' ? 'no reason given' : groups?.['reason']}`
      : `  ${groups['todo']}: yet to do`,
  );
  return { passed: count('pass'), failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

async function install(commands: Readonly<Record<string, string>>): Promise<void> {
  const packages = missingOf(commands);
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    console.log(
      `not installed and not installable here: ${packages.join(', ')}; the tests that need them are skipped`,
    );
    return;
  }
  console.log(`installing ${packages.join(', ')} (Debian packages)`);
  const updated = await run('apt-get', [...APT, 'update'], 300);
  const installed = await withoutServices(() =>
    run('apt-get', [...APT, 'install', '-y', '--no-install-recommends', ...packages], 900),
  );
  const missing = missingOf(commands);
  if (missing.length === 0) return;
  const failure = `apt-get did not install ${missing.join(', ')}: it says why above (update ended with ${updated.code}, install with ${installed.code})`;
  console.error(`${failure}; the tests that need them are skipped`);
  total.skipped.push(`  ${failure}`);
}

/** The packages of those that are not there. */
function missingOf(commands: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(commands)
    .filter(([command]) => (isAbsolute(command) ? !existsSync(command) : !onPath(command)))
    .map(([, name]) => name);
}

/**
 * Packages of servers start them at once, on the ports that everybody uses, and fail to install when one of those is
 * taken. Debian asks this file first; 101 is no.
 */
async function withoutServices<Result>(work: () => Promise<Result>): Promise<Result> {
  // Whoever has one has decided already, as most images of containers have.
  if (existsSync(POLICY)) return work();
  const remove = (): void => rmSync(POLICY, { force: true });
  const leave = (): void => process.exit(1);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  process.once('exit', remove);
  for (const signal of signals) process.once(signal, leave);
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await work();
  } finally {
    remove();
    process.off('exit', remove);
    for (const signal of signals) process.off(signal, leave);
  }
}

function run(
  command: string,
  args: readonly string[],
  seconds: number,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: seconds * 1000,
      // Packages ask nothing.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      process.stdout.write(chunk);
    });
    child.on('error', (error) => console.error(`${command}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (signal !== null) console.error(`${command} was ended after ${seconds} s`);
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
