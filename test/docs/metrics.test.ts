import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { shownNames } from '../monitoring/metric-names.ts';
import { allPages, readText } from './markdown.ts';

describe('metrics that the pages name', () => {
  const metrics = createMetrics({ version: '1' });
  const names = new Set([...shownNames(metrics), ...metrics.definitions().map(({ name }) => name)]);

  for (const { file } of allPages()) {
    const named = new Set(readText(file).match(/\btidegate_[a-z][a-z_]*[a-z]\b/g) ?? []);
    if (named.size === 0) continue;
    it(`exist: ${file}`, () => {
      assert.deepEqual(
        [...named].filter((name) => !names.has(name)),
        [],
      );
    });
  }
});
