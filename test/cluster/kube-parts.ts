import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { systemClock } from '../../src/core/clock.ts';
import type { AccessSettings } from '../../src/kube/credentials.ts';
import { FileCredentials } from '../../src/kube/file-credentials.ts';
import { HttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { readKubeconfig } from '../../src/kube/kubeconfig.ts';
import { RecordedLog } from '../support/recorded-guards.ts';

export const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' } as const;
export const NAMESPACES = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' } as const;

/** How the administrator of a test cluster reaches it. */
export async function adminSettings(kubeconfig: string): Promise<AccessSettings> {
  const document: unknown = parse(await readFile(kubeconfig, 'utf8'));
  return readKubeconfig(document, dirname(kubeconfig)).settings;
}

/** The project's own client, as a pod or the operator has it. */
export function kubeClient(settings: AccessSettings, log = new RecordedLog()): HttpKubeClient {
  const credentials = new FileCredentials(settings, systemClock, log);
  return new HttpKubeClient(credentials, systemClock, 'tidegate/test');
}

export function configMap(namespace: string, name: string, data: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

export function namespace(name: string) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}
