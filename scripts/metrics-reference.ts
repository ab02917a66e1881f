import { createMetrics, type MetricDefinition } from '../src/metrics/metrics.ts';

/** The text between the two is ours, everything around it is written by hand. */
const SECTION = /(<!-- metrics -->\n)[\s\S]*?(<!-- end -->)/;

/** @param page `docs/monitoring.md` as it is */
export function metricsReference(page: string): string {
  if (!SECTION.test(page)) throw new TypeError('the page has no section for the metrics');
  return page.replace(SECTION, (_all, begin: string, end: string) => `${begin}\n${table()}\n${end}`);
}

function table(): string {
  const metrics = createMetrics({ version: '' });
  metrics.operator().watch(() => []);
  const ours = metrics.definitions().filter(({ name }) => name.startsWith('tidegate_'));
  const rows = ours.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(row);
  return `| metric | type | labels | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function row({ name, type, labels, help }: MetricDefinition): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}
