import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ClusterNode } from './cluster.ts';

/** A node's folder, whose name is part of all that it has on this machine. */
export function folderOf(node: ClusterNode): string {
  return basename(dirname(node.kubeconfig));
}

/** What a node that is gone may have left on this machine. */
export function traces(folder: string): Readonly<Record<string, readonly string[]>> {
  const groups = readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [
      name,
      ...readdirSync(join('/sys/fs/cgroup', name)).map((inner) => `${name}/${inner}`),
    ]);
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(folder)),
    groups: groups.filter((group) => group.includes(folder)),
  };
}
