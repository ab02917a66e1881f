import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Cluster } from '../support/cluster.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { documentedRights } from './rights.ts';

export const SYSTEM = 'tidegate-system';
export const ACCOUNT = `system:serviceaccount:${SYSTEM}:tidegate-operator`;
const API = 'rbac.authorization.k8s.io';

/** Definitions, the operator's namespace, and its ServiceAccount with the documented rights. */
export async function prepare(cluster: Cluster): Promise<void> {
  const crds = await readFile(join(ROOT, 'manifests', 'crds.yaml'), 'utf8');
  await cluster.apply(crds, '--server-side');
  await cluster.kubectl(
    ...['wait', '--for=condition=Established', '--timeout=30s'],
    ...['crd/eventgateways.tidegate.dev', 'crd/jwtguards.tidegate.dev'],
  );
  const { cluster: everywhere, own } = await documentedRights();
  const metadata = { name: 'tidegate-operator', namespace: SYSTEM };
  const subjects = [{ kind: 'ServiceAccount', ...metadata }];
  const roleRef = (kind: string) => ({ apiGroup: API, kind, name: metadata.name });
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${API}/v1`, kind: 'ClusterRole', metadata: { name: metadata.name }, rules: everywhere },
    {
      apiVersion: `${API}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: metadata.name },
      subjects,
      roleRef: roleRef('ClusterRole'),
    },
    { apiVersion: `${API}/v1`, kind: 'Role', metadata, rules: own },
    { apiVersion: `${API}/v1`, kind: 'RoleBinding', metadata, subjects, roleRef: roleRef('Role') },
  ];
  for (const item of items) await cluster.apply(item);
}

/** A kubeconfig with a token of the operator's ServiceAccount. */
export async function operatorKubeconfig(cluster: Cluster): Promise<string> {
  const token = (await cluster.kubectl('-n', SYSTEM, 'create', 'token', 'tidegate-operator')).trim();
  const admin: { users: { user: unknown }[] } = parse(await readFile(cluster.kubeconfig, 'utf8'));
  for (const each of admin.users) each.user = { token };
  const file = join(dirname(cluster.kubeconfig), 'operator.conf');
  await writeFile(file, stringify(admin), { mode: 0o600 });
  return file;
}

/** `tidegate operator` as its ServiceAccount; it ends with the cluster at the latest. */
export class OperatorProcess {
  readonly child: ChildProcess;
  err = '';

  constructor(cluster: Cluster, kubeconfig: string, ...flags: readonly string[]) {
    this.child = cluster.spawn([
      ...[process.execPath, join(ROOT, 'src', 'cli.ts'), 'operator', '--kubeconfig', kubeconfig],
      ...['--namespace', SYSTEM, '--image', 'tidegate:test', '--listen-admin', '127.0.0.1:0', ...flags],
    ]);
    this.child.stdout?.resume();
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
  }

  logged(message: string): Promise<void> {
    return eventually(() => {
      if (!this.err.includes(`"message":"${message}"`))
        throw new Error(`not logged: ${message}\n${this.err}`);
    });
  }

  async admin(): Promise<string> {
    await this.logged('listening');
    return `http://127.0.0.1:${/"listener":"admin","port":(\d+)/.exec(this.err)?.[1]}`;
  }

  /** @returns its exit code */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    await closed;
    return this.child.exitCode;
  }
}
