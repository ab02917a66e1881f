/**
 * Draws docs/monitoring.svg: panels of the dashboard by their own queries, answered by a real Prometheus that scrapes two
 * gateways and an ingest through some minutes of load, with a cut of Redis in the middle. Takes redis-server and prometheus.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { filledIn, startMonitored } from '../test/monitoring/rig.ts';
import { ROWS } from './dashboard.ts';
import { svg } from './monitoring-svg.ts';

const FILE = join(import.meta.dirname, '..', 'docs', 'monitoring.svg');
const HALF_MS = 150_000;
const CUT_MS = 15_000;
const WINDOW = '15s';
const STEP_S = 5;
const SHOWN = [
  'Events and deliveries',
  'Delivery latency',
  "Producers' lines",
  'Streams ended',
  'Challenges',
  'Cut after the end of a token',
  'Streams by pod',
  'Event loop delay',
  'Memory',
  'Connected',
  'Reconnects and backfills',
  'Guard generations',
];

await using stack = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'tidegate-picture-'));
stack.defer(() => rm(directory, { recursive: true, force: true }));
const monitored = await startMonitored(directory, stack);
await wait(2 * STEP_S * 1_000);
const from = Date.now() / 1_000;
await wait(HALF_MS);
await monitored.cutRedis(CUT_MS);
await monitored.annoy();
await monitored.changeGuard();
await wait(HALF_MS);
const to = Date.now() / 1_000;

const panels = ROWS.flatMap((row) => row.panels);
const answered = await Promise.all(
  SHOWN.map(async (title) => {
    const panel = panels.find((each) => each.title === title);
    if (panel === undefined) throw new TypeError(`there is no panel "${title}"`);
    const answers = panel.queries.map(({ expr }) =>
      monitored.prometheus.range(filledIn(expr, WINDOW), from, to, STEP_S),
    );
    return { panel, answers: await Promise.all(answers) };
  }),
);
await writeFile(FILE, svg(answered, from, to));
console.log('docs/monitoring.svg');
