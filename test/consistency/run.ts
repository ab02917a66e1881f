import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '../support/seeded-random.ts';
import { check, type Verdict } from './checker.ts';
import { Deployment } from './deployment.ts';
import { FAULTS, type Fault, type FaultName } from './faults.ts';
import { type Entry, History } from './history.ts';
import { Load, type LoadSize } from './load.ts';
import { startDevPods, startPods } from './pods.ts';
import { Revoker } from './revoker.ts';
import { startStore } from './stores.ts';

export interface RunOptions extends LoadSize {
  readonly fault: FaultName;
  readonly seconds: number;
  readonly seed: number;
  readonly gateways: number;
  readonly ingests: number;
  readonly progress?: (line: string) => void;
}

export interface Outcome extends Verdict {
  readonly entries: readonly Entry[];
  /** Processes that ended, or did not end, as they should have. */
  readonly failures: readonly string[];
  /** The last lines that each process said. */
  readonly logs: Readonly<Record<string, readonly string[]>>;
}

/** Sending and reconnecting go on when everything is whole again. */
const AFTERMATH_MS = 1_500;
/** From when on every revocation so far has to show, for so long at least. */
const REVOKED_MS = 2_000;
const PROGRESS_MS = 5_000;

/** The same fault, the same choices; what runs beside one another is the machine's to order. */
export async function run(options: RunOptions): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const fault: Fault = FAULTS[options.fault];
  const random = seededRandom(options.seed);
  const history = new History();
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-consistency-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const store = await startStore(fault.store, stack);
  const deployment = new Deployment(directory);
  await deployment.write(store.kind === 'memory' ? undefined : store.url);
  const pods = stack.use(
    store.kind === 'memory'
      ? await startDevPods(deployment)
      : await startPods(deployment, options.gateways, options.ingests),
  );
  const load = stack.use(
    new Load(options, {
      history,
      random,
      gateways: () => pods.gateways,
      ingests: () => pods.ingests,
      mint: (...token) => deployment.mint(...token),
    }),
  );
  const revoker = stack.use(
    new Revoker({
      history,
      random,
      clients: load.clients,
      gateways: () => pods.gateways,
      ports: () => pods.gateways.map(({ name, revocationsPort: port }) => ({ name, port })),
      credential: pods.credential,
    }),
  );
  using _progress = report(history, options.progress);

  await load.start();
  revoker.start();
  const { recoveryMs } = fault;
  const recovery = recoveryMs === undefined ? {} : { recoveryMs };
  await fault.run({
    store,
    pods,
    random,
    untilMs: performance.now() + options.seconds * 1_000,
    async during(broken) {
      history.record({ kind: 'fault', phase: 'begin', name: options.fault, ...recovery });
      revoker.hurry();
      await broken();
      history.record({ kind: 'fault', phase: 'end', name: options.fault, ...recovery });
    },
  });
  await wait(recoveryMs === undefined ? AFTERMATH_MS : recoveryMs + REVOKED_MS);
  await revoker.stop();
  await load.settle();

  const { entries } = history;
  const all = [...pods.gateways, ...pods.ingests];
  return {
    ...check(entries, { gapsAllowed: fault.gapsAllowed }),
    entries,
    failures: all.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
    logs: Object.fromEntries(all.map(({ name, log }) => [name, log])),
  };
}

function report({ entries }: History, progress: RunOptions['progress']): Disposable {
  const timer = setInterval(() => {
    const count = (kind: Entry['kind']): number => entries.filter((entry) => entry.kind === kind).length;
    const counts = (['sent', 'acknowledged', 'event', 'opened', 'gap', 'fault'] as const).map(
      (kind) => `${kind} ${count(kind)}`,
    );
    progress?.(counts.join(' · '));
  }, PROGRESS_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
