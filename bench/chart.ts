/** The chart of the main table: deliveries per CPU second by server, for each number of streams. */
import { median, shown } from './figures.ts';

export interface FanoutSample {
  readonly streams: number;
  readonly name: string;
  readonly perCpuSecond: number;
}

const NAMES: Readonly<Record<string, string>> = {
  floor: 'bare sockets in C',
  tidegate: 'Tidegate',
  nchan: 'nginx + nchan',
  centrifugo: 'Centrifugo',
  mercure: 'Mercure',
  'koa-pass-through': 'Koa, PassThrough',
  'better-sse': 'better-sse',
};
const WIDTH = 760;
const LEFT = 150;
const RIGHT = 90;
const TOP = 64;
const BAR = 13;
const GAP = 2;
const GROUP_GAP = 14;
/** Opaque for the most streams, which is the figure to look at. */
const SHADES = [0.35, 0.6, 1];

/** @returns an SVG that is legible on a light page and on a dark one */
export function fanoutChart(samples: readonly FanoutSample[]): string {
  const sizes = [...new Set(samples.map(({ streams }) => streams))].toSorted((a, b) => a - b);
  const figure = (name: string, streams: number): number =>
    median(
      samples.flatMap((each) => (each.name === name && each.streams === streams ? [each.perCpuSecond] : [])),
    );
  const largest = sizes.at(-1) ?? 0;
  const names = [...new Set(samples.map(({ name }) => name))].toSorted(
    (a, b) => figure(b, largest) - figure(a, largest),
  );
  const most = Math.max(...names.flatMap((name) => sizes.map((streams) => figure(name, streams))));
  const scale = (value: number): number => (value / most) * (WIDTH - LEFT - RIGHT);
  const groupHeight = sizes.length * (BAR + GAP) + GROUP_GAP;
  const height = TOP + names.length * groupHeight + 8;
  const shade = (at: number): number => SHADES[at + SHADES.length - sizes.length] ?? 1;

  const groups = names.map((name, at) => {
    const y = TOP + at * groupHeight;
    const bars = sizes.map((streams, row) => {
      const value = figure(name, streams);
      const top = y + row * (BAR + GAP);
      return [
        `<rect class="${name === 'tidegate' ? 'ours' : 'other'}" x="${LEFT}" y="${top}" width="${scale(value).toFixed(1)}" height="${BAR}" rx="2" opacity="${shade(row)}"/>`,
        `<text class="figure" x="${(LEFT + scale(value) + 6).toFixed(1)}" y="${top + BAR - 3}">${shown(value)}</text>`,
      ].join('');
    });
    const middle = y + (groupHeight - GROUP_GAP) / 2 + 4;
    const weight = name === 'tidegate' ? ' class="bold"' : '';
    return `<text x="${LEFT - 10}" y="${middle}" text-anchor="end"${weight}>${NAMES[name] ?? name}</text>${bars.join('')}`;
  });
  const legend = sizes.map((streams, at) => {
    const x = LEFT + at * 130;
    return `<rect class="ours" x="${x}" y="38" width="12" height="12" rx="2" opacity="${shade(at)}"/><text class="figure" x="${x + 18}" y="48">${shown(streams)} streams</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Deliveries per CPU second by server">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .bold { font-weight: 700 }
  .figure { font-size: 11px; fill: #59636e }
  .ours { fill: #0969da }
  .other { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .figure { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .other { fill: #6e7681 }
  }
</style>
<text class="title" x="${LEFT}" y="22">Deliveries per CPU second, one write an event</text>
${legend.join('\n')}
${groups.join('\n')}
</svg>
`;
}
