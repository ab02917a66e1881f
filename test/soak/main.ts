/**
 * `npm run soak -- [--minutes 60] [--seed N]`: clients that come, go, stall and are cut off, tokens of 30 s, keys that
 * change, Redis cut again and again; and whether the processes hold as much at the end as at the beginning. The exit
 * code is 1 when one does not, or when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { table } from './flat.ts';
import { soak } from './run.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  print('--minutes takes a number above 0');
  process.exit(2);
}

const { rows, failures, counts, tally, revocations } = await soak({
  minutes,
  seed: Number(values.seed),
  progress: print,
});
for (const [process, figures] of rows) print(`\n${table(process, figures)}`);
for (const each of [counts, tally, { ...revocations }]) {
  print(
    `\n${Object.entries(each)
      .map(([what, count]) => `${what} ${count}`)
      .join(' · ')}`,
  );
}
for (const failure of failures) print(failure);
const flat = [...rows.values()].flat().every((row) => row.flat);
print(`\n${flat ? 'flat' : 'NOT FLAT'}; ${failures.length === 0 ? 'every promise was kept' : 'it FAILED'}`);
process.exitCode = flat && failures.length === 0 ? 0 : 1;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
