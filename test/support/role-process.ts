import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { ROOT } from './dev-process.ts';
import { eventually } from './eventually.ts';
import { createKey, jwks } from './issuer.ts';

const CLI = join(ROOT, 'src', 'cli.ts');
const LISTENERS = {
  gateway: ['http', 'admin', 'revocations'],
  ingest: ['ingest', 'publish', 'admin'],
} as const;
export type Role = keyof typeof LISTENERS;

/** A configuration with one public stream at /events, and the files that it refers to. */
export class RoleFiles {
  readonly file: string;
  readonly secretsDir: string;
  #versions = 0;

  constructor(directory: string) {
    this.file = join(directory, 'tidegate.yaml');
    this.secretsDir = join(directory, 'secrets');
  }

  /** @param redis YAML in flow style for `spec.redis`; absent: no Redis */
  async configure(redis?: string): Promise<void> {
    await writeFile(
      this.file,
      `apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: main }
spec: { issuer: 'https://issuer.example/', audiences: [events], jwks: { inline: '${jwks(createKey('k'))}' } }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: test }
spec:
  streams: [{ path: /events, public: true }]
  drain: { lameDuck: 0s, window: 0s }
${redis === undefined ? '' : `  redis: ${redis}`}
`,
    );
  }

  /** As Kubernetes mounts a Secret: `KEY` is a link into `..data`, a link that is swapped as one. */
  async secret(name: string, keys: Readonly<Record<string, string>>): Promise<void> {
    const directory = join(this.secretsDir, name);
    const version = `..version-${++this.#versions}`;
    await mkdir(join(directory, version), { recursive: true });
    for (const [key, text] of Object.entries(keys)) {
      await writeFile(join(directory, version, key), text, { mode: 0o600 });
      await symlink(join('..data', key), join(directory, key)).catch(alreadyThere);
    }
    await symlink(version, join(directory, '..next'));
    await rename(join(directory, '..next'), join(directory, '..data'));
  }
}

/** In a directory of its own, gone when the test ends. */
export async function makeRoleFiles(test: TestContext): Promise<RoleFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-role-'));
  test.after(() => rm(directory, { recursive: true, force: true }));
  return new RoleFiles(directory);
}

/** A test, or whatever else ends what was started for it. */
interface Ends {
  after(end: () => Promise<void>): void;
}

/** A real `tidegate gateway` or `tidegate ingest` on free ports; it ends with the test. */
export class RoleProcess {
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown>;
  /** Everything on standard error so far, and on standard output. */
  err = '';
  out = '';

  constructor(test: Ends, role: Role, args: readonly string[]) {
    const listen = LISTENERS[role].flatMap((name) => [`--listen-${name}`, '127.0.0.1:0']);
    // What it leaves there is left by SIGKILL, below.
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-process-'));
    this.child = spawn(process.execPath, [CLI, role, ...args, ...listen], {
      cwd: dirname(CLI),
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.child, 'close');
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    test.after(async () => {
      this.child.kill('SIGKILL');
      await this.#closed;
      await rm(directory, { recursive: true, force: true });
    });
  }

  /** Its exit code, once it has ended. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }

  get messages(): readonly Readonly<Record<string, unknown>>[] {
    const lines = this.err.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line));
  }

  /** Resolves when it listens there. */
  async port(listener: string): Promise<number> {
    let port: unknown;
    await eventually(() => {
      port = this.messages.find((each) => each['message'] === 'listening' && each['listener'] === listener)?.[
        'port'
      ];
      if (typeof port !== 'number') throw new Error(`it does not listen; it says:\n${this.err}`);
    });
    return Number(port);
  }

  /** Resolves when it has logged so many lines with this message. */
  async logged(message: string, times = 1): Promise<void> {
    await eventually(() => {
      const count = this.messages.filter((each) => each['message'] === message).length;
      if (count < times) throw new Error(`not logged: ${message}; it says:\n${this.err}`);
    });
  }
}

function alreadyThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
