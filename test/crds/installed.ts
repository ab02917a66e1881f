import { join } from 'node:path';
import type { Cluster } from '../support/cluster.ts';

const FILE = join(import.meta.dirname, '../../manifests/crds.yaml');
const PLURALS: Readonly<Record<string, string>> = { JwtGuard: 'jwtguards', EventGateway: 'eventgateways' };

/** As the documentation says it is done. */
export async function installDefinitions(cluster: Cluster): Promise<void> {
  await cluster.kubectl('apply', '--server-side', '-f', FILE);
  const names = Object.values(PLURALS).map((plural) => `crd/${plural}.tidegate.dev`);
  await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', ...names);
}

/** Where documents of a kind stand. */
export function collection(kind: string, namespace = 'default'): string {
  return `/apis/tidegate.dev/v1alpha1/namespaces/${namespace}/${PLURALS[kind]}`;
}

/** An API server's verdict on a document, which it does not keep. Fields that it does not know are faults. */
export async function judge(
  cluster: Cluster,
  document: unknown,
): Promise<{ readonly accepted: boolean; readonly message: string }> {
  const { kind } = Object(document);
  const { status, body } = await cluster.request(
    'POST',
    `${collection(kind)}?dryRun=All&fieldValidation=Strict`,
    document,
  );
  if (status === 201) return { accepted: true, message: '' };
  const { message } = Object(body);
  // Anything but a fault of the document (a refused connection, a missing definition) is a fault of the test.
  if (status !== 422 && status !== 400) throw new Error(`${status}: ${message}`);
  return { accepted: false, message: String(message) };
}
