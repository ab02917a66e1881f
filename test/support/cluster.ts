import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { assets, givenKubeconfig, RECIPE } from './cluster-needs.ts';
import { onPath } from './on-path.ts';
import { reservePort } from './redis/reserved-port.ts';
import { until } from './until.ts';

export { givenKubeconfig, noControlPlane, noFull, noNode } from './cluster-needs.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A cluster, whoever runs it. */
export interface Cluster extends AsyncDisposable {
  /** A file with a cluster administrator's credentials. */
  readonly kubeconfig: string;
  /** What comes before a command that is to reach the cluster's addresses; empty where they are the host's. */
  readonly inside: readonly string[];
  /** @throws with what it printed when it fails */
  kubectl(...args: readonly string[]): Promise<string>;
  /** `kubectl apply` of a text, or of an object. */
  apply(document: unknown, ...args: readonly string[]): Promise<string>;
  /** One request to the API server as administrator; whatever it answers is returned. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** Runs a command where the cluster's addresses exist, KUBECONFIG set; @throws with what it printed when it fails */
  run(command: readonly string[], input?: string): Promise<string>;
  /** Starts one there; it ends with this process at the latest. */
  spawn(command: readonly string[]): ChildProcess;
}

export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Parts that can be stopped and started by name: `kube-apiserver`, `etcd`, `kubelet`, … */
export interface OwnCluster extends Cluster {
  /** Ends a part with SIGKILL. */
  stop(part: string): Promise<void>;
  /** Starts it again on the same data; for the API server, until it is ready. */
  start(part: string): Promise<void>;
  /** Every request that the API server has answered so far. */
  audit(): Promise<readonly AuditEvent[]>;
  log(part: string): Promise<string>;
  /** Binaries of the recipe: `helm`, `helm3`, `kubectl`, … */
  readonly bin: string;
}

export interface ControlPlane extends OwnCluster {
  /** For `/v3/kv/compaction` and the like. */
  readonly etcdUrl: string;
  readonly server: string;
}

export interface ControlPlaneOptions {
  readonly apiServerFlags?: readonly string[];
}

/** The cluster that `KUBECONFIG` gives with `TIDEGATE_TEST_CLUSTER=1`, or a control plane of our own. */
export async function anyCluster(): Promise<Cluster> {
  if (givenKubeconfig === undefined) return startControlPlane();
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-given-'));
  const kubectl = onPath('kubectl') ? 'kubectl' : join(await builtBinaries(), 'kubectl');
  const cluster = new RunningCluster(directory, givenKubeconfig, kubectl, []);
  cluster.defer(() => rm(directory, { recursive: true, force: true }));
  return cluster;
}

/** etcd and kube-apiserver with RBAC, in some four seconds. Without controllers: nothing collects or finalizes. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  return startOnLoopback('controlplane', assets ?? (await builtBinaries()), options);
}

/** With controller-manager, scheduler, and kwok in place of kubelets: pods become ready without containers. */
export async function startFull(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  return startOnLoopback('full', await builtBinaries(), options);
}

export interface ClusterNode extends OwnCluster {
  /** Puts an OCI archive on the node. */
  load(archive: string): Promise<void>;
}

/** A whole cluster of one node with real pods, in namespaces of its own: reached through `run` and `request` only. */
export async function startNode(): Promise<ClusterNode> {
  const bin = await builtBinaries();
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-node-'));
  const recipe = await up('node', directory, bin, {});
  const init = (await readFile(join(directory, 'pids', 'init'), 'utf8')).trim();
  // Without its process namespace, so that signals reach the command itself.
  const inside = ['nsenter', '-t', init, '-m', '-n', '-u', `--wdns=${process.cwd()}`, '--'];
  const cluster = new LocalCluster(directory, bin, inside, recipe, async () => undefined);
  return Object.assign(cluster, {
    load: async (archive: string): Promise<void> => void (await recipe('load', archive)),
  });
}

async function startOnLoopback(
  mode: 'controlplane' | 'full',
  bin: string,
  { apiServerFlags = [] }: ControlPlaneOptions,
): Promise<ControlPlane> {
  await using made = new AsyncDisposableStack();
  const port = async () => made.use(await reservePort()).port;
  const [api, etcd, peer, kwok] = [await port(), await port(), await port(), await port()];
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-kube-'));
  const recipe = await up(mode, directory, bin, {
    API_PORT: String(api),
    ETCD_PORT: String(etcd),
    ETCD_PEER_PORT: String(peer),
    KWOK_PORT: String(kwok),
    API_FLAGS: apiServerFlags.join(' '),
  });
  const ports = made.move();
  const cluster = new LocalCluster(directory, bin, [], recipe, () => ports.disposeAsync());
  return Object.assign(cluster, {
    etcdUrl: `http://127.0.0.1:${etcd}`,
    server: `https://127.0.0.1:${api}`,
  });
}

type Recipe = (...args: readonly string[]) => Promise<string>;

/** @returns `cluster.sh` for this one cluster */
async function up(
  mode: string,
  directory: string,
  bin: string,
  environment: Readonly<Record<string, string>>,
): Promise<Recipe> {
  // A run that is itself killed (a runner's time limit) cleans up nothing; the recipe watches its owner.
  const env = {
    ...process.env,
    ...environment,
    KUBE_BIN: bin,
    KUBE_STATE: directory,
    KUBE_OWNER: String(process.pid),
  };
  const recipe: Recipe = (...args) => output([join(RECIPE, 'cluster.sh'), ...args], { env });
  try {
    await recipe('up', mode);
  } catch (error) {
    await recipe('down');
    throw error;
  }
  return recipe;
}

let built: Promise<string> | undefined;

/** Builds them when they are not there yet, which takes minutes; `npm test` has done so before. */
export function builtBinaries(): Promise<string> {
  built ??= output(['nice', '-n', '19', join(RECIPE, 'build.sh')], { env: process.env }).then(
    (printed) => printed.trim().split('\n').at(-1) ?? '',
  );
  return built;
}

class RunningCluster implements Cluster {
  readonly kubeconfig: string;
  readonly inside: readonly string[];
  readonly #directory: string;
  readonly #kubectl: string;
  readonly #made = new AsyncDisposableStack();
  #proxy: Promise<string> | undefined;

  constructor(directory: string, kubeconfig: string, kubectl: string, inside: readonly string[]) {
    this.kubeconfig = kubeconfig;
    this.inside = inside;
    this.#directory = directory;
    this.#kubectl = kubectl;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.run([this.#kubectl, ...args]);
  }

  apply(document: unknown, ...args: readonly string[]): Promise<string> {
    const input = typeof document === 'string' ? document : JSON.stringify(document);
    return this.run([this.#kubectl, 'apply', '-f', '-', ...args], input);
  }

  run(command: readonly string[], input?: string): Promise<string> {
    return output([...this.inside, ...command], {
      env: this.#environment(),
      ...(input === undefined ? {} : { input }),
    });
  }

  spawn(command: readonly string[]): ChildProcess {
    const [file = '', ...args] = ['setpriv', '--pdeathsig', 'KILL', ...this.inside, ...command];
    const child = spawn(file, args, { env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.defer(() => ended(child));
    return child;
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<ApiAnswer> {
    this.#proxy ??= this.#startProxy();
    const socketPath = await this.#proxy;
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const sent = httpRequest({
      socketPath,
      path,
      method,
      headers: payload === undefined ? {} : { 'content-type': contentType },
    });
    sent.end(payload);
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    const received = answer === undefined ? '' : await text(answer);
    return { status: answer?.statusCode ?? 0, body: json(received) };
  }

  /** Runs when the cluster is disposed of, last first. */
  defer(end: () => Promise<unknown> | unknown): void {
    this.#made.defer(async () => {
      await end();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#made.disposeAsync();
  }

  /** A Unix socket can be reached from every network namespace, and the proxy knows every kind of credentials. */
  async #startProxy(): Promise<string> {
    const socket = join(this.#directory, 'api.sock');
    const child = this.spawn([this.#kubectl, 'proxy', `--unix-socket=${socket}`]);
    child.stdout?.resume();
    child.stderr?.resume();
    await until(() => existsSync(socket), 'kubectl proxy listens');
    return socket;
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig };
  }
}

class LocalCluster extends RunningCluster implements OwnCluster {
  readonly bin: string;
  readonly #state: string;
  readonly #recipe: Recipe;

  /** @param release gives back what was held for the cluster, once it is gone */
  constructor(
    state: string,
    bin: string,
    inside: readonly string[],
    recipe: Recipe,
    release: () => Promise<void>,
  ) {
    super(state, join(state, 'admin.conf'), join(bin, 'kubectl'), inside);
    this.bin = bin;
    this.#state = state;
    this.#recipe = recipe;
    this.defer(release);
    this.defer(() => recipe('down'));
  }

  async stop(part: string): Promise<void> {
    await this.#recipe('stop', part);
  }

  async start(part: string): Promise<void> {
    await this.#recipe('start', part);
    if (part === 'kube-apiserver') await this.#recipe('ready');
  }

  async audit(): Promise<readonly AuditEvent[]> {
    const lines = (await this.log('audit')).split('\n').filter((line) => line !== '');
    return lines.map((line): AuditEvent => JSON.parse(line));
  }

  log(part: string): Promise<string> {
    return readFile(join(this.#state, 'logs', `${part}.log`), 'utf8');
  }
}

interface OutputOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly input?: string;
}

async function output([command = '', ...args]: readonly string[], options: OutputOptions): Promise<string> {
  const child = spawn(command, args, { env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
  // A command that reads nothing may be gone before it is written to.
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const [printed, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code === 0) return printed;
  throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${complained}${printed}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function json(received: string): unknown {
  try {
    return JSON.parse(received);
  } catch {
    return received;
  }
}
