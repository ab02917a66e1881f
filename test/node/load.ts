/**
 * `node load.ts --keys FILE --gateway IP:PORT --ingest IP:PORT [--gaps]`: producers and clients of the consistency harness on
 * two Services, from inside the node's network. SIGTERM: they settle, and a line of JSON says what became of it.
 */
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Counts, check } from '../consistency/checker.ts';
import { Deployment } from '../consistency/deployment.ts';
import { History, writeHistory } from '../consistency/history.ts';
import { Load } from '../consistency/load.ts';
import { absencesMs } from '../consistency/reconnects.ts';

export interface LoadVerdict {
  readonly violations: number;
  /** The first few, with the entries that show them. */
  readonly shown: readonly unknown[];
  readonly counts: Counts;
  readonly absencesMs: readonly number[];
  /** Where the history is, if a promise was broken. */
  readonly history?: string;
}

const SIZE = { producers: 4, clients: 24, eventsPerSecond: 100 };
const SHOWN_MAX = 5;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      keys: { type: 'string', default: '' },
      gateway: { type: 'string', default: '' },
      ingest: { type: 'string', default: '' },
      gaps: { type: 'boolean', default: false },
    },
  });
  const told = once(process, 'SIGTERM');
  const deployment = await Deployment.withKeys(values.keys, '');
  const gateways = [{ name: 'service', ...endpoint(values.gateway) }];
  const ingests = [endpoint(values.ingest)];
  const history = new History();
  await using load = new Load(SIZE, {
    history,
    random: Math.random,
    gateways: () => gateways,
    ingests: () => ingests,
    mint: (...token) => deployment.mint(...token),
  });
  await load.start();
  say({ started: true });
  await told;
  await load.settle();
  say(await verdict(history, values.gaps));
}

async function verdict({ entries }: History, gapsAllowed: boolean): Promise<LoadVerdict> {
  const { violations, counts } = check(entries, { gapsAllowed });
  const shown = violations
    .slice(0, SHOWN_MAX)
    .map((violation) => ({ ...violation, entries: violation.entries.map((index) => entries[index]) }));
  const history = join(tmpdir(), `tidegate-history-${process.pid}.jsonl`);
  if (violations.length > 0) await writeHistory(history, entries);
  return {
    violations: violations.length,
    shown,
    counts,
    absencesMs: absencesMs(entries),
    ...(violations.length > 0 ? { history } : {}),
  };
}

function endpoint(text: string): { host: string; port: number } {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
