import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BOUND_TO_RUN } from '../support/bound-to-run.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { reservePort } from '../support/redis/reserved-port.ts';

const RULES = join(ROOT, 'helm/tidegate/monitoring/rules.yaml');

/** One series over time, or at one moment. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value there. */
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** A job and its admin ports. */
export type Targets = Readonly<Record<string, readonly number[]>>;

/** A real Prometheus with the rules of the chart, on a free port, with its data in a directory of its own. */
export class Prometheus implements AsyncDisposable {
  readonly #port: number;
  readonly #child: ChildProcess;
  readonly #release: () => Promise<void>;

  private constructor(port: number, child: ChildProcess, release: () => Promise<void>) {
    this.#port = port;
    this.#child = child;
    this.#release = release;
  }

  /** @returns when it has scraped every target */
  static async start(targets: Targets, namespace = 'live'): Promise<Prometheus> {
    await using made = new AsyncDisposableStack();
    const { port } = made.use(await reservePort());
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-prometheus-'));
    made.defer(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, 'prometheus.json');
    await writeFile(file, JSON.stringify(configuration(targets, namespace)));
    const [command = '', ...args] = [
      ...BOUND_TO_RUN,
      'prometheus',
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ];
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const release = made.move();
    const prometheus = new Prometheus(port, child, () => release.disposeAsync());
    try {
      const count = Object.values(targets).flat().length;
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`it has ended:\n${log}`);
        const up = await prometheus.query('sum(up)');
        const seen = up[0]?.points[0]?.[1];
        if (seen !== count) throw new Error(`${seen} of ${count} targets are up; it says:\n${log}`);
      });
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
    return prometheus;
  }

  /** @throws with its own words about a query that it does not take */
  query(expr: string): Promise<readonly Series[]> {
    return this.#ask('query', { query: expr });
  }

  /** @param from seconds since 1970, as all times here */
  range(expr: string, from: number, to: number, step: number): Promise<readonly Series[]> {
    return this.#ask('query_range', { query: expr, start: `${from}`, end: `${to}`, step: `${step}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await this.#release();
  }

  async #ask(what: string, parameters: Readonly<Record<string, string>>): Promise<readonly Series[]> {
    const url = `http://127.0.0.1:${this.#port}/api/v1/${what}?${new URLSearchParams(parameters)}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    const { error, data } = Object(await response.json());
    if (!response.ok) throw new Error(`${error}: ${parameters['query']}`);
    const result: readonly Answered[] = data.result;
    return result.map(({ metric, value, values = [] }) => ({
      labels: metric,
      points: (value === undefined ? values : [value]).map(([time, text]) => [time, Number(text)] as const),
    }));
  }
}

interface Answered {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

function configuration(targets: Targets, namespace: string): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: Object.entries(targets).map(([job, ports]) => ({
      job_name: job,
      static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`), labels: { namespace } }],
    })),
  };
}
