/** Several benches, one after another; one that fails is told at the end and keeps none of the others from running. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { table } from './figures.ts';

export type Run = readonly [name: string, ...args: string[]];

/** @returns whether all have run */
export async function runAll(runs: readonly Run[]): Promise<boolean> {
  const done: { readonly name: string; readonly seconds: number; readonly ok: boolean }[] = [];
  for (const [name, ...args] of runs) {
    console.log(`\n## ${name} ${args.join(' ')}\n`);
    const began = performance.now();
    const file = join(import.meta.dirname, `${name}.ts`);
    const [code] = await once(spawn(process.execPath, [file, ...args], { stdio: 'inherit' }), 'exit');
    done.push({ name, seconds: (performance.now() - began) / 1_000, ok: code === 0 });
  }
  const rows = done.map(({ name, ok, seconds }) => [name, ok ? 'ran' : '**failed**', Math.round(seconds)]);
  const sum = done.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`\n${table(['bench', '', 's'], [...rows, ['all', '', Math.round(sum)]])}`);
  return done.every(({ ok }) => ok);
}
