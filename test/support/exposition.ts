import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/** Prometheus' text format 0.0.4, read strictly: whatever a scraper could trip over fails here. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line is ended');
  const families = new Map<string, { help: string; type: string; samples: Sample[] }>();
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      assert.ok(!families.has(name), `${name} is told of once`);
      families.set(name, { help: rest, type: '', samples: [] });
      continue;
    }
    if (keyword === 'TYPE') {
      const family = families.get(name);
      assert.ok(family !== undefined && family.type === '', `the type of ${name} follows its help`);
      family.type = rest;
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(sample.name) ?? families.get(sample.name.replace(/_(bucket|sum|count)$/, ''));
    assert.ok(family, `${sample.name} has a help text`);
    const series = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    assert.ok(!seen.has(series), `${series} stands once`);
    seen.add(series);
    family.samples.push(sample);
  }
  for (const [name, family] of families) if (family.type === 'histogram') assertHistogram(name, family);
  return families;
}

function parseSample(line: string): Sample {
  const [, name, text = '', figure] = SAMPLE.exec(line) ?? [];
  assert.ok(name !== undefined && figure !== undefined, `not a sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, label, value] = LABEL.exec(text) ?? [];
    assert.ok(label !== undefined && value !== undefined, `not labels: ${text}`);
    assert.ok(!(label in labels), `${label} stands once in ${line}`);
    labels[label] = value;
  }
  const value = figure === '+Inf' ? Number.POSITIVE_INFINITY : Number(figure);
  assert.ok(figure === 'Nan' || figure === 'NaN' || !Number.isNaN(value), `not a number: ${line}`);
  return { name, labels, value };
}

/** Buckets only rise, and the last is the count, for each set of the other labels. */
function assertHistogram(name: string, { samples }: Family): void {
  const others = ({ labels: { le: _, ...rest } }: Sample): string => JSON.stringify(rest);
  const groups = Map.groupBy(samples, others);
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const rising = buckets.map(({ value }) => value);
    assert.deepEqual(
      rising,
      rising.toSorted((a, b) => a - b),
      `${name} only rises`,
    );
    assert.equal(buckets.at(-1)?.labels['le'], '+Inf', name);
    assert.equal(rising.at(-1), group.find((sample) => sample.name === `${name}_count`)?.value, name);
  }
}
