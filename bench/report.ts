/** How a bench ends: its tables, where they were measured, and the samples as JSON. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';

export interface Report {
  readonly bench: string;
  /** Markdown. */
  readonly text: string;
  /** Every sample by its name, so that other figures can be made of them. */
  readonly samples: unknown;
  /** A file for the JSON; absent: the last line of standard output. */
  readonly json: string | undefined;
}

/** Load average when this process began: what else ran then, before the bench itself added to it. */
const loadBefore = loadavg()[0] ?? Number.NaN;

export function report({ bench, json, samples, text }: Report): void {
  const where = surroundings();
  console.log(`\n${text}\n\n${where.machine}; ${where.versions}; load average before: ${where.loadBefore}`);
  const line = JSON.stringify({ bench, ...where, samples });
  if (json === undefined) console.log(`\n${line}`);
  else writeFileSync(json, `${line}\n`);
}

function surroundings() {
  const versions = JSON.parse(
    readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
  ).packages;
  return {
    machine: `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} cores, Linux ${release()}`,
    versions: [
      `Node ${process.versions.node}`,
      redisVersion(),
      ...['ioredis', 'better-sse'].map((name) => `${name} ${versions[`node_modules/${name}`]?.version}`),
    ].join(', '),
    loadBefore: loadBefore.toFixed(2),
  };
}

function redisVersion(): string {
  try {
    return `Redis ${/v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1]}`;
  } catch {
    return 'no Redis';
  }
}
