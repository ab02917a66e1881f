import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { type DevelopmentState, openState } from '../../src/dev/state.ts';
import { noBuildah } from '../image/buildah.ts';
import { noRedisImage, REDIS_IMAGE, redisImage } from '../image/redis-image.ts';
import { IMAGE, tidegateImage } from '../image/tidegate-image.ts';
import { type ClusterNode, noNode, startNode } from '../support/cluster.ts';
import { ROOT } from '../support/dev-process.ts';
import { outputOf } from '../support/output-of.ts';

/** Why there can be no cluster with our images here, or false. */
export const noRig = noBuildah || noRedisImage || noNode;

const IN_A_CHECKOUT = ['package.json', 'src', 'examples', 'helm', 'manifests', 'node_modules'];
const REGISTRY = 'docker.io/library';
/** What the chart asks for when no value says otherwise, and what the guide upgrades to. */
const TIDEGATE_TAGS = ['tidegate:0.1.0', 'tidegate:0.1.1'];
const PERIOD_MS = 20;

/** A process in the node's network, and what it writes. */
export interface Running {
  readonly child: ChildProcess;
  /** On its standard output. */
  text(): string;
  /** Resolves as soon as its standard output matches. */
  until(pattern: RegExp, limitMs?: number): Promise<void>;
  readonly ended: Promise<number | null>;
}

/** A node that has the images, and a checkout in which `npm start` has been run once. */
export class Rig implements AsyncDisposable {
  readonly node: ClusterNode;
  readonly directory: string;
  readonly state: DevelopmentState;

  constructor(node: ClusterNode, directory: string, state: DevelopmentState) {
    this.node = node;
    this.directory = directory;
    this.state = state;
  }

  static async start(): Promise<Rig> {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-rig-'));
    await using made = new AsyncDisposableStack();
    made.defer(() => rm(directory, { recursive: true, force: true }));
    for (const name of IN_A_CHECKOUT) await symlink(join(ROOT, name), join(directory, name));
    const state = await openState(join(directory, '.tidegate'), systemClock);
    const archives = [await tidegateImage(), await redisImage(directory)];
    const node = made.use(await startNode());
    for (const archive of archives) await node.load(archive);
    const redis = `${REDIS_IMAGE.repository}:${REDIS_IMAGE.tag}`;
    for (const tag of TIDEGATE_TAGS) await retag(node, IMAGE, tag);
    await retag(node, redis, await redisOfTheChart());
    const rig = new Rig(node, directory, state);
    const kept = made.move();
    rig.#end = () => kept.disposeAsync();
    return rig;
  }

  #end: () => Promise<void> = async () => undefined;

  /** A command line as somebody types it in the checkout; @throws with what it printed when it fails */
  sh(line: string): Promise<string> {
    return this.node.run(this.#shell(line));
  }

  /** One that goes on, in the foreground. */
  start(line: string): Running {
    // The shell itself becomes the command: who ends it ends that.
    return running(this.node.spawn(this.#shell(`exec ${line.replace(/ &$/, '')}`)), line);
  }

  /** A script of the tests, in the node's network. */
  script(file: string, ...args: readonly string[]): Running {
    return running(this.node.spawn([process.execPath, file, ...args]), file);
  }

  async clusterIp(namespace: string, service: string): Promise<string> {
    const path = ['-n', namespace, 'get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}'];
    return this.node.kubectl(...path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  #shell(line: string): readonly string[] {
    return ['sh', '-c', `cd "$0" && PATH="$1:$PATH" && ${line}`, this.directory, this.node.bin];
  }
}

async function retag(node: ClusterNode, from: string, to: string): Promise<void> {
  await node.run(['ctr', '-n', 'k8s.io', 'images', 'tag', `${REGISTRY}/${from}`, `${REGISTRY}/${to}`]);
}

async function redisOfTheChart(): Promise<string> {
  const values = await readFile(join(ROOT, 'helm', 'tidegate', 'values.yaml'), 'utf8');
  const [, repository, tag] = /^redis:\n[\s\S]*?repository: (\S+)\n\s+tag: (\S+)/m.exec(values) ?? [];
  if (repository === undefined || tag === undefined)
    throw new TypeError('the chart names no image for Redis');
  return `${repository}:${tag}`;
}

function running(child: ChildProcess, what: string): Running {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('it was started without pipes');
  // Apart, or curl's progress meter would stand in the middle of the events.
  const output = outputOf({ stdout, stderr });
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  return {
    child,
    text: () => output.out,
    async until(pattern, limitMs = 15_000) {
      for (const since = performance.now(); !pattern.test(output.out); ) {
        const late = performance.now() - since > limitMs;
        if (over || late) {
          const why = late ? 'took too long' : 'ended';
          throw new Error(`${what}\n${why}; so far:\n${output.out}\n${output.err}`);
        }
        await wait(PERIOD_MS);
      }
    },
    ended,
  };
}
