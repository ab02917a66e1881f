import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDocuments } from '../config/documents.ts';
import { systemClock as clock } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { Terminal } from '../core/terminal.ts';
import { FileCredentials } from '../kube/file-credentials.ts';
import { HttpKubeClient } from '../kube/http-kube-client.ts';
import { inCluster, podNamespace } from '../kube/in-cluster.ts';
import { readKubeconfig } from '../kube/kubeconfig.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { followCluster } from './cluster-source.ts';
import type { ConfigurationSource } from './configuration-source.ts';
import { followConfigurationFile } from './file-configuration.ts';
import type { ServerOptions } from './server-options.ts';
import { version } from './version.ts';

const { random } = Math;

/**
 * The configuration of a server, from a file or from the cluster, whichever it was told.
 *
 * @throws InputError, UnreachableError
 */
export async function openConfiguration(
  role: string,
  { from, secretsDir }: ServerOptions,
  env: Terminal['env'],
  metrics: Metrics,
  log: Log,
  signal: AbortSignal,
): Promise<ConfigurationSource> {
  if (from.kind === 'file') return followConfigurationFile(from.file, secretsDir, metrics, log);
  const access = await accessOf(from.kubeconfig, env);
  const credentials = new FileCredentials(access.settings, clock, log);
  const reader = new HttpKubeClient(credentials, clock, `tidegate/${version} (${role})`);
  const place = {
    name: from.name,
    namespace: from.namespace ?? access.namespace,
    places: { secretsDir, configMapsDir: await mkdtemp(join(tmpdir(), 'tidegate-')) },
  };
  const parts = { reader, clock, random, log, observer: { listed() {}, failed() {} } };
  return followCluster(place, parts, metrics, log, signal);
}

async function accessOf(kubeconfig: string | undefined, env: Terminal['env']) {
  if (kubeconfig === undefined) {
    const settings = inCluster({
      host: env['KUBERNETES_SERVICE_HOST'],
      port: env['KUBERNETES_SERVICE_PORT'],
    });
    return { settings, namespace: await podNamespace() };
  }
  let text: string;
  try {
    text = await readFile(kubeconfig, 'utf8');
  } catch (cause) {
    throw new InputError(`--kubeconfig ${kubeconfig} can't be read`, { cause });
  }
  const [document] = parseDocuments(text, kubeconfig).documents;
  return readKubeconfig(document?.value, dirname(kubeconfig));
}
