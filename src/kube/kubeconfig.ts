import { isAbsolute, join } from 'node:path';
import { InputError } from '../core/coded-error.ts';
import type { AccessSettings, Source } from './credentials.ts';
import { isJsonObject, type JsonObject } from './kube-object.ts';

export interface KubeconfigAccess {
  readonly settings: AccessSettings;
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
}

/** What may stand in a kubeconfig and we do not do: other than said would be worse than not at all. */
const CLUSTER_UNSUPPORTED = ['insecure-skip-tls-verify', 'proxy-url'];
const USER_UNSUPPORTED = ['exec', 'auth-provider', 'username', 'password', 'as', 'as-groups', 'as-uid'];

/**
 * How to reach the API server of the current context.
 *
 * @param document the parsed file; YAML is another room's
 * @param directory of the file; paths in it count from there
 * @throws InputError naming the field that is missing or not supported; never its value
 */
export function readKubeconfig(document: unknown, directory: string): KubeconfigAccess {
  const root = object(document, 'the file');
  const context = named(root, 'contexts', 'context', text(root, 'current-context', 'the file'));
  const cluster = named(root, 'clusters', 'cluster', text(context, 'cluster', 'the context'));
  const user = named(root, 'users', 'user', text(context, 'user', 'the context'));
  refuse(cluster, CLUSTER_UNSUPPORTED);
  refuse(user, USER_UNSUPPORTED);
  const ca = pem(cluster, 'certificate-authority', directory);
  const cert = pem(user, 'client-certificate', directory);
  const key = pem(user, 'client-key', directory);
  const token = tokenSource(user, directory);
  const serverName = optional(cluster, 'tls-server-name');
  return {
    settings: {
      server: server(text(cluster, 'server', 'the cluster')),
      ...(serverName === undefined ? {} : { serverName }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { client: { cert, key } }),
      ...(token === undefined ? {} : { token }),
    },
    namespace: optional(context, 'namespace') ?? 'default',
  };
}

function named(root: JsonObject, list: string, field: string, name: string): JsonObject {
  const entries: unknown = root[list];
  const found: unknown = Array.isArray(entries)
    ? entries.find((entry: unknown) => isJsonObject(entry) && entry['name'] === name)
    : undefined;
  if (!isJsonObject(found)) throw fault(`${list} has no "${name}"`);
  return object(found[field], `${field} "${name}"`);
}

function refuse(holder: JsonObject, fields: readonly string[]): void {
  const found = fields.find((field) => Boolean(holder[field]));
  if (found !== undefined) throw fault(`${found} is not supported`);
}

function server(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) throw fault('server is not an http(s) URL');
  return url;
}

/** `-data` is base64 and wins over the file, as in client-go. */
function pem(holder: JsonObject, field: string, directory: string): Source | undefined {
  const data = optional(holder, `${field}-data`);
  if (data !== undefined) return { kind: 'text', text: Buffer.from(data, 'base64').toString('utf8') };
  return file(optional(holder, field), directory);
}

function tokenSource(user: JsonObject, directory: string): Source | undefined {
  const path = file(optional(user, 'tokenFile'), directory);
  const token = optional(user, 'token');
  return path ?? (token === undefined ? undefined : { kind: 'text', text: token });
}

function file(path: string | undefined, directory: string): Source | undefined {
  if (path === undefined) return undefined;
  return { kind: 'file', path: isAbsolute(path) ? path : join(directory, path) };
}

function optional(holder: JsonObject, field: string): string | undefined {
  const value = holder[field];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw fault(`${field} is not text`);
  return value;
}

function text(holder: JsonObject, field: string, where: string): string {
  const value = optional(holder, field);
  if (value === undefined) throw fault(`${where} has no ${field}`);
  return value;
}

function object(value: unknown, what: string): JsonObject {
  if (!isJsonObject(value)) throw fault(`${what} is not a mapping`);
  return value;
}

function fault(rule: string): InputError {
  return new InputError(`kubeconfig: ${rule}`);
}
