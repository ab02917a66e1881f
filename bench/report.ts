/** How a bench ends: its tables, where they were measured, and the samples as JSON. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import type { Result } from './results.ts';
import { CENTRIFUGO_VERSION, MERCURE_VERSION } from './servers/go-peers.ts';

export interface Report extends Pick<Result, 'bench' | 'text'> {
  /** Every sample by its name, so that other figures can be made of them. */
  readonly samples: unknown;
  /** A file for the JSON; absent: the last line of standard output. */
  readonly json: string | undefined;
}

/** Load average when this process began: what else ran then, before the bench itself added to it. */
const loadBefore = loadavg()[0] ?? Number.NaN;

export function report({ bench, json, samples, text }: Report): void {
  const result: Result = {
    bench,
    machine: `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} cores, Linux ${release()}`,
    versions: versions().join(', '),
    loadBefore: loadBefore.toFixed(2),
    day: new Date().toISOString().slice(0, 10),
    text,
  };
  console.log(
    `\n${text}\n\n${result.machine}; ${result.versions}; load average before: ${result.loadBefore}`,
  );
  const line = JSON.stringify({ ...result, samples });
  if (json === undefined) console.log(`\n${line}`);
  else writeFileSync(json, `${line}\n`);
}

function versions(): readonly string[] {
  const lock = new URL('../package-lock.json', import.meta.url);
  const { packages } = JSON.parse(readFileSync(lock, 'utf8'));
  return [
    `Node ${process.versions.node}`,
    ...['koa', 'ioredis', 'better-sse'].map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`),
    `gcc ${said('cc', ['-dumpfullversion'], /(\S+)/)}`,
    `nginx ${said('/usr/sbin/nginx', ['-v'], /nginx\/(\S+)/)}`,
    `nchan ${said('dpkg-query', ['-W', '-f', '${Version}', 'libnginx-mod-nchan'], /(?:\d+:)?([^+]+)/)}`,
    `Redis ${said('redis-server', ['--version'], /v=(\S+)/)}`,
    `Centrifugo ${CENTRIFUGO_VERSION}`,
    `Mercure ${MERCURE_VERSION}`,
  ];
}

function said(command: string, args: readonly string[], version: RegExp): string {
  const { stderr, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return version.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[1] ?? 'is not installed';
}
