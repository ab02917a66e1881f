import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { mint } from '../../src/dev/minter.ts';
import { readKeysOf } from '../../src/dev/state.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const CLI = join(ROOT, 'src', 'cli.ts');
const READY_MS = 60_000;
const EXAMPLE = {
  issuer: 'https://auth.example.com',
  audience: 'https://api.example.com',
  scope: 'events:read',
};

export type DevPorts = Readonly<
  Record<'tls' | 'clearText' | 'ingest' | 'publish' | 'admin' | 'revocations', number>
>;

/** A real `tidegate dev` on free ports, with a state of its own. */
export interface DevProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly stateDir: string;
  readonly certFile: string;
  /** What it has printed. */
  readonly banner: string;
  readonly ports: DevPorts;
  /** `https://localhost:PORT`. */
  readonly origin: string;
  /** Everything on standard error so far. */
  log(): string;
  token(...flags: string[]): Promise<string>;
  /**
   * As `tidegate token` does, but at once: on a busy machine a process may take as long as a brief token is good for.
   * Issuer, audience and scope are those of `examples/local.yaml`.
   */
  mint(ttlSeconds: number, subject?: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Its certificate, in PEM. */
  certificate(): Promise<string>;
}

/**
 * @param file another configuration than `examples/local.yaml`
 * @param cli the program, when it is not that of the sources
 * @param flags more of them
 */
export async function startDev(
  file = join(ROOT, 'examples', 'local.yaml'),
  cli = CLI,
  flags: readonly string[] = [],
): Promise<DevProcess> {
  const stateDir = await mkdtemp(join(tmpdir(), 'tidegate-dev-'));
  const listen = ['tls', 'http', 'ingest', 'publish', 'admin', 'revocations'].flatMap((name) => [
    `--listen-${name}`,
    '127.0.0.1:0',
  ]);
  const child = spawn(process.execPath, [cli, 'dev', file, '--state-dir', stateDir, ...listen, ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let banner = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    banner += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(stateDir, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  while (!banner.includes('/metrics')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`dev did not start: ${banner}\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const ports = portsOf(banner);
  return {
    child,
    stateDir,
    certFile: join(stateDir, 'tls.crt'),
    banner,
    ports,
    origin: `https://localhost:${ports.tls}`,
    log: () => log,
    token: async (...flags) => {
      const args = [cli, 'token', '--config', file, '--state-dir', stateDir, ...flags];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
      return stdout.trim();
    },
    mint: async (ttlSeconds, subject, claims) =>
      mint(await readKeysOf(stateDir), EXAMPLE, { subject, ttlSeconds, claims }, systemClock),
    certificate: () => readFile(join(stateDir, 'tls.crt'), 'utf8'),
    [Symbol.asyncDispose]: stop,
  };
}

/** The ports that a banner tells; what it does not tell is not a number. */
export function portsOf(banner: string): DevPorts {
  const port = (pattern: RegExp): number => Number(pattern.exec(banner)?.[1]);
  return {
    tls: port(/https:\/\/localhost:(\d+)\/ /),
    clearText: port(/Clear text:\s+http:\/\/localhost:(\d+)/),
    ingest: port(/nc -w 1 localhost (\d+)/),
    publish: port(/localhost:(\d+)\/publish/),
    admin: port(/localhost:(\d+)\/metrics/),
    revocations: port(/--url http:\/\/localhost:(\d+) /),
  };
}
