/**
 * `npm run consistency -- [--fault NAME] [--seconds 20] [--minutes 0] [--seed N]`: producers, pods and clients while
 * something breaks, and a verdict. Without `--fault`, every fault in turn; with `--minutes`, again and again with other
 * seeds until the time is over. A run that fails leaves its history in a file, and the exit code is 1.
 * `--history FILE --fault NAME` checks such a file again.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check } from './checker.ts';
import { FAULTS, type FaultName, isFaultName } from './faults.ts';
import { readHistory, writeHistory } from './history.ts';
import { type Outcome, run } from './run.ts';

const VIOLATIONS_SHOWN_MAX = 10;
const MS_PER_MINUTE = 60_000;

const { values } = parseArgs({
  options: {
    fault: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    gateways: { type: 'string', default: '3' },
    ingests: { type: 'string', default: '2' },
    producers: { type: 'string', default: '4' },
    clients: { type: 'string', default: '24' },
    rate: { type: 'string', default: '200' },
    history: { type: 'string' },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const names = faultsNamed(values.fault);
  if (names === undefined) {
    print(`there is no fault "${values.fault}"; the faults are ${Object.keys(FAULTS).join(', ')}`);
    return 2;
  }
  const [first] = names;
  if (values.history !== undefined && first !== undefined) {
    const entries = await readHistory(values.history);
    const verdict = check(entries, FAULTS[first]);
    return tell({ ...verdict, entries, failures: [], logs: {} }) ? 0 : 1;
  }
  const until = performance.now() + Number(values.minutes) * MS_PER_MINUTE;
  let seed = Number(values.seed);
  let failed = 0;
  do {
    for (const fault of names) {
      print(`== ${fault}, seed ${seed}`);
      const outcome = await run({
        fault,
        seed,
        seconds: Number(values.seconds),
        gateways: Number(values.gateways),
        ingests: Number(values.ingests),
        producers: Number(values.producers),
        clients: Number(values.clients),
        eventsPerSecond: Number(values.rate),
        progress: print,
      });
      if (tell(outcome)) continue;
      failed++;
      const directory = await mkdtemp(join(tmpdir(), 'tidegate-history-'));
      const file = join(directory, `${fault}-${seed}.jsonl`);
      await writeHistory(file, outcome.entries);
      print(`the history, an entry a line: ${file}`);
    }
    seed++;
  } while (performance.now() < until);
  print(failed === 0 ? 'every promise was kept' : `${failed} runs failed`);
  return failed === 0 ? 0 : 1;
}

function faultsNamed(name: string | undefined): readonly FaultName[] | undefined {
  if (name !== undefined) return isFaultName(name) ? [name] : undefined;
  return Object.keys(FAULTS).filter(isFaultName);
}

/** @returns whether all is well */
function tell({ violations, failures, counts, entries, logs }: Outcome): boolean {
  print(
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(' · '),
  );
  if (violations.length === 0 && failures.length === 0) return true;
  for (const violation of violations.slice(0, VIOLATIONS_SHOWN_MAX)) {
    print(JSON.stringify(violation));
    for (const index of violation.entries) print(`  ${index}: ${JSON.stringify(entries[index])}`);
  }
  const kinds = Map.groupBy(violations, ({ kind }) => kind);
  print([...kinds].map(([kind, { length }]) => `${kind} ${length}`).join(' · '));
  for (const failure of failures) print(failure);
  for (const [pod, lines] of Object.entries(logs)) print([`-- ${pod}`, ...lines.slice(-20)].join('\n'));
  return false;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
