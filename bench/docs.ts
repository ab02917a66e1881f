/**
 * Writes what the benches have measured last into `docs/performance.md`, between the comments that name a bench, and
 * draws the chart. What stands around the tables is written by hand.
 *
 *     npm run bench -- docs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FanoutSample, fanoutChart } from './chart.ts';
import { readResult } from './results.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
const PLACE = /<!-- bench:(\w+) -->\n[\s\S]*?<!-- \/bench -->/g;

const page = join(DOCS, 'performance.md');
const text = readFileSync(page, 'utf8').replace(PLACE, (before, name: string) => {
  const result = readResult(name);
  if (result === undefined) {
    console.log(`${name}: no result; what stood there stays`);
    return before;
  }
  const where = `Load average before: ${result.loadBefore}; ${result.day}.`;
  return `<!-- bench:${name} -->\n${result.text}\n\n${where}\n<!-- /bench -->`;
});
const fanout = readResult('fanout');
const surroundings = fanout === undefined ? undefined : `${fanout.machine}; ${fanout.versions}.`;
writeFileSync(
  page,
  surroundings === undefined
    ? text
    : text.replace(
        /<!-- where -->\n[\s\S]*?<!-- \/where -->/,
        `<!-- where -->\n${surroundings}\n<!-- /where -->`,
      ),
);
if (fanout !== undefined) {
  writeFileSync(join(DOCS, 'fan-out.svg'), fanoutChart(fanout.samples as readonly FanoutSample[]));
}
