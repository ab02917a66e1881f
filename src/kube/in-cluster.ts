import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../core/coded-error.ts';
import type { AccessSettings } from './credentials.ts';

/** Where Kubernetes mounts the token of a pod's ServiceAccount. */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface PodEnvironment {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly directory?: string;
}

/** How a pod reaches its API server. @throws InputError outside of a pod */
export function inCluster({ host, port, directory }: PodEnvironment): AccessSettings {
  if (host === undefined || host === '' || port === undefined || !/^\d{1,5}$/.test(port)) {
    throw new InputError('not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set');
  }
  const mount = directory ?? SERVICE_ACCOUNT_DIRECTORY;
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca: { kind: 'file', path: join(mount, 'ca.crt') },
    token: { kind: 'file', path: join(mount, 'token') },
  };
}

/** The pod's own namespace, which never changes. @throws InputError */
export async function podNamespace(directory = SERVICE_ACCOUNT_DIRECTORY): Promise<string> {
  const file = join(directory, 'namespace');
  try {
    const namespace = (await readFile(file, 'utf8')).trim();
    if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) return namespace;
  } catch (cause) {
    throw new InputError(`the pod's namespace can't be read from ${file}`, { cause });
  }
  throw new InputError(`${file} does not hold the name of a namespace`);
}
