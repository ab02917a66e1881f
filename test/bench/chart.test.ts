import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fanoutChart } from '../../bench/chart.ts';

const SAMPLES = [1_000, 5_000].flatMap((streams) => [
  { streams, name: 'floor', perCpuSecond: 200_000 },
  { streams, name: 'tidegate', perCpuSecond: 149_000 },
  { streams, name: 'tidegate', perCpuSecond: 150_000 },
  { streams, name: 'tidegate', perCpuSecond: 190_000 },
]);

describe('chart of the fan-out', () => {
  it('has a bar with the median of each server at each number of streams, the longest for the most', () => {
    const svg = fanoutChart(SAMPLES);
    const widths = Array.from(
      svg.matchAll(/<rect class="(ours|other)" x="150" y="\d+" width="([\d.]+)" height="13"/g),
    );
    assert.deepEqual(
      widths.map(([, kind, width]) => [kind, Number(width)]),
      [
        ['other', 520],
        ['other', 520],
        ['ours', 390],
        ['ours', 390],
      ],
    );
    assert.equal(svg.match(/>150,000</g)?.length, 2);
    assert.match(svg, />1,000 streams<.*>5,000 streams</s);
  });

  it('can be read on a light page and on a dark one', () => {
    assert.match(fanoutChart(SAMPLES), /@media \(prefers-color-scheme: dark\)/);
  });
});

describe('docs/performance.md', () => {
  it('has a place for what every bench measures', async () => {
    const root = join(import.meta.dirname, '..', '..');
    const page = await readFile(join(root, 'docs', 'performance.md'), 'utf8');
    const all = await readFile(join(root, 'bench', 'all.ts'), 'utf8');
    const names = Array.from(all.matchAll(/^ {2}\['(\w+)'/gm), ([, name]) => name);
    assert.ok(names.length > 10);
    for (const name of names) assert.ok(page.includes(`<!-- bench:${name} -->\n`), `no place for ${name}`);
  });
});
