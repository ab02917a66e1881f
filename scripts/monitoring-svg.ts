import type { Series } from '../test/monitoring/prometheus.ts';
import type { Panel } from './dashboard.ts';

/** A panel and what Prometheus answered, a list for each of its queries. */
export interface Answered {
  readonly panel: Panel;
  readonly answers: readonly (readonly Series[])[];
}

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const COLUMNS = 3;
const CELL = { width: 400, height: 230 };
const PLOT = { left: 52, top: 34, width: 332, height: 128 };
const LEGEND = { top: 186, row: 15, columns: 3, max: 6 };
const GAP = 12;
const STEPS = 4;
/** Okabe and Ito's, told apart by everyone. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8a7f00', '#555555'];

/** A page of small graphs over the same time, on white, so that it reads alike on light and dark pages. */
export function svg(panels: readonly Answered[], from: number, to: number): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const width = COLUMNS * (CELL.width + GAP) + GAP;
  const height = rows * (CELL.height + GAP) + GAP;
  const cells = panels.map((panel, i) => {
    const x = GAP + (i % COLUMNS) * (CELL.width + GAP);
    const y = GAP + Math.floor(i / COLUMNS) * (CELL.height + GAP);
    return `<g transform="translate(${x} ${y})">\n${cell(panel, from, to)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">
<title>Panels of the dashboard over the same minutes</title>
<rect width="${width}" height="${height}" fill="#eef0f2"/>
${cells.join('\n')}
</svg>
`;
}

function cell({ panel, answers }: Answered, from: number, to: number): string {
  const lines = linesOf(panel, answers);
  const highest = Math.max(0, ...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const { top, ticks } = scale(highest, panel.unit === 'bytes' ? 1024 : 10);
  const x = (seconds: number): string =>
    ((PLOT.width * (seconds - from)) / (to - from) + PLOT.left).toFixed(1);
  const y = (value: number): string => (PLOT.top + PLOT.height * (1 - value / top)).toFixed(1);
  const right = PLOT.left + PLOT.width;
  const bottom = PLOT.top + PLOT.height;
  const grid = ticks.map(
    (value) =>
      `<line x1="${PLOT.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}" stroke="#e3e5e8"/><text x="${PLOT.left - 6}" y="${Number(y(value)) + 4}" text-anchor="end" fill="#666">${shown(value, panel.unit)}</text>`,
  );
  const minutes = Array.from({ length: Math.floor((to - from) / 60) + 1 }, (_, minute) => {
    const seconds = from + minute * 60;
    return `<text x="${x(seconds)}" y="${bottom + 14}" text-anchor="middle" fill="#666">${minute} min</text>`;
  });
  const drawn = lines.map(({ points }, i) => {
    const path = points
      .map(([seconds, value], j) => `${j === 0 ? 'M' : 'L'}${x(seconds)} ${y(value)}`)
      .join('');
    return `<path d="${path}" fill="none" stroke="${colour(i)}" stroke-width="1.6"/>`;
  });
  const named = lines.slice(0, LEGEND.max).map(({ name }, i) => {
    const left = 12 + (i % LEGEND.columns) * 128;
    const line = LEGEND.top + Math.floor(i / LEGEND.columns) * LEGEND.row + 10;
    return `<rect x="${left}" y="${line - 8}" width="9" height="9" fill="${colour(i)}"/><text x="${left + 13}" y="${line}">${escaped(name)}</text>`;
  });
  const rest = lines.length - LEGEND.max;
  const more =
    rest > 0 ? `<text x="12" y="${LEGEND.top + 3 * LEGEND.row + 8}" fill="#666">and ${rest} more</text>` : '';
  return `<rect width="${CELL.width}" height="${CELL.height}" rx="4" fill="#fff" stroke="#d5d8dc"/>
<text x="12" y="20" font-size="13" font-weight="600">${escaped(panel.title)}</text>
${[...grid, ...minutes, ...drawn, ...named].join('\n')}${more}`;
}

/** The highest first, and those that stay at zero left out where others do not. */
function linesOf({ queries }: Panel, answers: readonly (readonly Series[])[]): readonly Line[] {
  const all = answers.flatMap((series, i) =>
    series.map(({ labels, points }) => ({
      name: (queries[i]?.legend ?? '').replace(/\{\{(\w+)\}\}/g, (_all, label) => labels[label] ?? ''),
      points: points.filter(([, value]) => Number.isFinite(value)),
    })),
  );
  const moving = all.filter(({ points }) => points.some(([, value]) => value !== 0));
  const sum = ({ points }: Line): number => points.reduce((total, [, value]) => total + value, 0);
  return (moving.length > 0 ? moving : all.slice(0, 1)).toSorted((a, b) => sum(b) - sum(a));
}

function scale(highest: number, base: number): { readonly top: number; readonly ticks: readonly number[] } {
  const size = base ** Math.floor(Math.log(highest || 1) / Math.log(base));
  const steps = base === 10 ? [1, 2, 2.5, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const top = (steps.find((step) => step * size >= highest) ?? base) * size;
  return { top, ticks: Array.from({ length: STEPS + 1 }, (_, i) => (top * i) / STEPS) };
}

function shown(value: number, unit: Panel['unit']): string {
  if (unit === 'percentunit') return `${Math.round(value * 100)} %`;
  if (unit === 's') return value >= 1 || value === 0 ? `${short(value)} s` : `${short(value * 1_000)} ms`;
  if (unit === 'bytes')
    return value < 1_024
      ? `${value} B`
      : value < 1_048_576
        ? `${short(value / 1_024)} KiB`
        : `${short(value / 1_048_576)} MiB`;
  return unit === 'ops' || unit === 'reqps' ? `${short(value)}/s` : short(value);
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] ?? '#000';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
