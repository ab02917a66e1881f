import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { allPages, readText } from './markdown.ts';

/** What a histogram adds to its name. */
const SUFFIX = /_(bucket|sum|count)$/;

describe('metrics that the pages name', () => {
  let names: ReadonlySet<string>;

  before(async () => {
    const metrics = createMetrics({ version: '1' });
    metrics.operator();
    const text = await metrics.text();
    names = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name = '']) => name));
  });

  for (const { file } of allPages()) {
    const named = new Set(readText(file).match(/\btidegate_[a-z][a-z_]*[a-z]\b/g) ?? []);
    if (named.size === 0) continue;
    it(`exist: ${file}`, () => {
      const unknown = [...named].filter((name) => !names.has(name) && !names.has(name.replace(SUFFIX, '')));
      assert.deepEqual(unknown, []);
    });
  }
});
