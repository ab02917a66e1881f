import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { type Counts, check } from '../consistency/checker.ts';
import { type Entry, type Happening, History } from '../consistency/history.ts';
import { Load } from '../consistency/load.ts';
import { Revoker } from '../consistency/revoker.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { fillTokenCache } from './fill.ts';
import { compare, type Row } from './flat.ts';
import { Asked } from './kept.ts';
import { type Rig, startRig } from './rig.ts';
import { type Figures, figuresOf, sampleOf } from './sample.ts';
import { type Tally, trouble } from './trouble.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface Soak {
  /** By process, the first window against the last. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** Promises that were broken, with what shows it, and processes that ended. */
  readonly failures: readonly string[];
  readonly counts: Counts;
  readonly tally: Tally & { readonly rotations: number; readonly cycles: number };
  /** Revocations: those asked for in all that time, and the most that were held by anybody at the end. */
  readonly revocations: { readonly asked: number; readonly held: number };
}

/** What each process holds, at one moment. */
type Survey = ReadonlyMap<string, Figures>;
/** As many as were revoked lately: it is bounded, not flat. */
const HELD = 'Revocations#held';

/** They stay from the first minute to the last, and between two cycles are all that there is. */
const RESIDENTS = 8;
const CLIENTS = { min: 15, max: 60 };
const EVENTS_PER_SECOND = { min: 8, max: 40 };
const PRODUCERS = 3;

const LOAD_MS = { short: 34_000, long: 60_000 };
const LONG_RUN_MINUTES = 10;
/** After this nothing of a cycle is left but what leaks: peers have five seconds to take an end. */
const QUIET_MS = 7_000;
const SURVEYS_A_REST = 3;
const SURVEY_MS = 1_000;
/** Until caches, the ring and the compiler have what they will have. */
const WARM_UP_SHARE = 0.12;
const WINDOW_SHARE = 0.25;
/** One to warm up, and two to compare. */
const CYCLES_MIN = 3;
const SHOWN_MAX = 5;

/** Cycles of load and trouble, each with a rest behind it in which every process is asked what it holds. */
export async function soak({ minutes, seed, progress }: SoakOptions): Promise<Soak> {
  await using stack = new AsyncDisposableStack();
  const random = seededRandom(seed);
  const rig = await startRig(random, stack);
  const { parts, pods } = rig;
  const account = new Account();
  const residentHistory = new History();
  const residents = stack.use(
    new Load(
      { clients: RESIDENTS, producers: 0, eventsPerSecond: 0 },
      { ...parts, history: residentHistory, prefix: 'resident-', habits: ['answers'], tempers: ['stays'] },
    ),
  );
  const tally = { redis: 0, clients: 0, stalled: 0, revoked: 0 };
  const asked = new Asked();
  let held = 0;
  const endMs = performance.now() + minutes * 60_000;
  const loadMs = minutes < LONG_RUN_MINUTES ? LOAD_MS.short : LOAD_MS.long;
  await residents.start();
  await Promise.all(pods.gateways.map((gateway) => fillTokenCache(gateway, parts.mint)));
  const rests: (readonly Survey[])[] = [];
  do {
    const name = `cycle-${rests.length + 1}`;
    account.judge(name, await cycle(rig, { name, loadMs, random, tally, asked, residents, residentHistory }));
    const rest = await surveys(pods);
    rests.push(rest.map(withoutHeld));
    held = Math.max(await rig.revocationsInRedis(), ...rest.flatMap(heldIn));
    const heldMax = asked.heldMax();
    if (held > heldMax) account.failures.push(`${name}: ${held} revocations are held, ${heldMax} may be`);
    progress(`${name}: ${summary(rest)} · ${held} of ${asked.total} revocations`);
  } while (performance.now() < endMs || rests.length < CYCLES_MIN);
  await residents.settle();
  account.judge('residents', residentHistory.entries);

  for (const { failure } of [...pods.gateways, ...pods.ingests])
    if (failure !== undefined) account.failures.push(failure);
  return {
    ...account,
    rows: judgeWindows(rests),
    revocations: { asked: asked.total, held },
    tally: { ...tally, rotations: rig.issuers.rotations, cycles: rests.length },
  };
}

/** The violations and counts of all histories, which are not kept. */
class Account {
  readonly failures: string[] = [];
  counts: Counts = check([], { gapsAllowed: false }).counts;

  judge(whose: string, entries: readonly Entry[]): void {
    const { violations, counts } = check(entries, { gapsAllowed: false });
    this.counts = { ...this.counts, ...sum(this.counts, counts) };
    for (const violation of violations.slice(0, SHOWN_MAX)) {
      const shown = violation.entries.map((index) => entries[index]);
      this.failures.push(`${whose}: ${JSON.stringify({ ...violation, entries: shown })}`);
    }
  }
}

interface Cycle {
  readonly name: string;
  readonly loadMs: number;
  readonly random: Random;
  readonly tally: Tally;
  readonly asked: Asked;
  readonly residents: Load;
  readonly residentHistory: History;
}

/** @returns what its clients and producers saw */
async function cycle(
  { parts, pods, ...rig }: Rig,
  { name, loadMs, random, tally, asked, residents, residentHistory }: Cycle,
): Promise<readonly Entry[]> {
  const history = new History();
  // What producers and the revoker say is for the residents' account too, and when Redis was out of reach.
  const sent = {
    record(happening: Happening): number {
      residentHistory.record(happening);
      if (happening.kind === 'revoking') asked.note(happening.guard, happening.by, happening.value);
      if (happening.kind === 'fault') revoker.hurry();
      if (happening.kind === 'revoked' && happening.status === 204) tally.revoked++;
      return history.record(happening);
    },
  };
  const size = {
    clients: Math.round(within(CLIENTS, random)),
    eventsPerSecond: within(EVENTS_PER_SECOND, random),
    producers: PRODUCERS,
  };
  await using load = new Load(size, { ...parts, history, sent, prefix: `${name}-` });
  await using revoker = new Revoker({
    prefix: `${name}-`,
    history: sent,
    random,
    clients: [...load.clients, ...residents.clients],
    gateways: parts.gateways,
    ports: () => pods.gateways.map(({ name: gateway, revocationsPort: port }) => ({ name: gateway, port })),
    credential: pods.credential,
  });
  await load.start();
  revoker.start();
  await trouble({ ...rig, ...pods, random, tally, history: sent }, performance.now() + loadMs);
  await revoker.stop();
  await load.settle();
  return history.entries;
}

async function surveys({ gateways, ingests }: Rig['pods']): Promise<readonly Survey[]> {
  await wait(QUIET_MS);
  const taken: Survey[] = [];
  while (taken.length < SURVEYS_A_REST) {
    await wait(SURVEY_MS);
    const figures = [...gateways, ...ingests].map(
      async (pod) => [pod.name, figuresOf(sampleOf(await pod.ask('sample')))] as const,
    );
    taken.push(new Map(await Promise.all(figures)));
  }
  return taken;
}

function judgeWindows(rests: readonly (readonly Survey[])[]): Soak['rows'] {
  const warm = rests.slice(Math.max(1, Math.round(rests.length * WARM_UP_SHARE)));
  const size = Math.max(1, Math.round(warm.length * WINDOW_SHARE));
  const [first, last] = [warm.slice(0, size), warm.slice(-size)].map((window) => window.flat());
  const names = [...(rests[0]?.[0]?.keys() ?? [])];
  const of = (window: readonly Survey[] = [], name: string): readonly Figures[] =>
    window.map((survey) => survey.get(name)).filter((figures) => figures !== undefined);
  return new Map(names.map((name) => [name, compare(of(first, name), of(last, name))]));
}

function heldIn(survey: Survey): readonly number[] {
  return Array.from(survey.values(), (figures) => figures[HELD] ?? 0);
}

function withoutHeld(survey: Survey): Survey {
  return new Map(Array.from(survey, ([name, { [HELD]: _held, ...figures }]) => [name, figures]));
}

function summary(rest: readonly Survey[]): string {
  const MiB = 1024 * 1024;
  const text = ([name, { rss = 0, heapUsed = 0 }]: [string, Figures]): string =>
    `${name} ${(rss / MiB).toFixed(0)} MiB, heap ${(heapUsed / MiB).toFixed(1)} MiB`;
  return [...(rest.at(-1) ?? [])].map(text).join(' · ');
}

function sum(a: Counts, b: Counts): Record<string, number> {
  const more = new Map(Object.entries(b));
  return Object.fromEntries(Object.entries(a).map(([name, count]) => [name, count + (more.get(name) ?? 0)]));
}

function within({ min, max }: { min: number; max: number }, random: Random): number {
  return min + random() * (max - min);
}
