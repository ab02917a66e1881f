import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from './on-path.ts';

/** The project's own recipe for a cluster: `build.sh`, `cluster.sh`, `mkimage.sh`. */
export const RECIPE = join(import.meta.dirname, '..', 'cluster');

/** As its `go.mod` says. */
const GO_MINOR_MIN = 26;

/** A folder with `etcd`, `kube-apiserver` and `kubectl`, as `setup-envtest` makes it; enough for a control plane. */
export const assets = process.env['KUBEBUILDER_ASSETS'] || undefined;

/**
 * A cluster to test against instead of one of our own. The tests install custom resources and make namespaces in it, so
 * that a `KUBECONFIG` that merely happens to be set is not taken for a consent.
 */
export const givenKubeconfig =
  process.env['TIDEGATE_TEST_CLUSTER'] === '1' ? process.env['KUBECONFIG'] || undefined : undefined;

/** Where the recipe's binaries are, or will be. */
export function builtFolder(): string {
  return spawnSync(join(RECIPE, 'build.sh'), ['--where'], { encoding: 'utf8' }).stdout.trim();
}

/** Why the recipe's binaries are not there and cannot be made, or `false`. Not being built yet is no reason. */
export const noBinaries = whyNoBinaries();
/** Why no etcd and API server can be started here, or `false`: to be given to `skip`, so that it is told and counted. */
export const noControlPlane = whyNoControlPlane();
/** Why no control plane with simulated nodes can be started here, or `false`. */
export const noFull = noBinaries || missing(['openssl']);
/** Why no node with real pods can be started here, or `false`. */
export const noNode = noFull || whyNoNode();

function whyNoBinaries(): string | false {
  if (process.platform !== 'linux') return 'a cluster of our own needs Linux: give one with KUBECONFIG';
  const unfit = missing(['bash', 'flock', 'setpriv']);
  if (unfit || existsSync(builtFolder())) return unfit;
  return whyNoGo();
}

function whyNoGo(): string | false {
  const need = 'Kubernetes is built from source, with Go 1.26 or later';
  if (!onPath('go')) return `go is missing: ${need}`;
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout.trim();
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1]);
  return minor >= GO_MINOR_MIN ? false : `${version} is too old: ${need}`;
}

function whyNoControlPlane(): string | false {
  if (givenKubeconfig !== undefined) return missing(['kubectl']) && noBinaries;
  if (assets === undefined) return noBinaries || missing(['openssl']);
  const lacking = ['etcd', 'kube-apiserver', 'kubectl'].filter((name) => !existsSync(join(assets, name)));
  return lacking.length > 0 ? `KUBEBUILDER_ASSETS lacks ${lacking.join(', ')}` : missing(['bash', 'openssl']);
}

function whyNoNode(): string | false {
  if (process.getuid?.() !== 0) return 'a real node needs root';
  const unfit = missing([
    'containerd',
    'ctr',
    'runc',
    'nft',
    'conntrack',
    'nsenter',
    'unshare',
    'ip',
    'sysctl',
  ]);
  if (unfit) return unfit;
  if (!existsSync('/usr/lib/cni/bridge')) return 'the Debian package containernetworking-plugins is missing';
  const namespaces = spawnSync('unshare', ['--mount', '--net', '--pid', '--uts', '--fork', 'true']);
  if (namespaces.status !== 0) return 'namespaces cannot be made here (CAP_SYS_ADMIN)';
  return cgroupsAreOurs() ? false : 'control groups cannot be made here (/sys/fs/cgroup is read-only)';
}

function cgroupsAreOurs(): boolean {
  const hierarchy = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? '/sys/fs/cgroup'
    : '/sys/fs/cgroup/memory';
  const group = join(hierarchy, `tidegate-probe-${process.pid}`);
  try {
    mkdirSync(group);
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

function missing(commands: readonly string[]): string | false {
  const lacking = commands.filter((command) => !onPath(command));
  return lacking.length === 0
    ? false
    : `${lacking.join(', ')} ${lacking.length === 1 ? 'is' : 'are'} missing`;
}
