import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { InputError } from '../core/coded-error.ts';
import type { AccessSettings, Source } from '../kube/credentials.ts';

export interface ClusterAccess {
  readonly settings: AccessSettings;
  /** Of the context, where it names one. */
  readonly namespace: string | undefined;
}

/** Where nothing says where an API server is, the library guesses this. */
const GUESS = 'http://localhost:8080';

/**
 * How to reach the API server, as every Kubernetes program finds out: the file given, else KUBECONFIG, else
 * ~/.kube/config, else the pod's ServiceAccount.
 *
 * @throws InputError naming what can't be read or is not supported; never a value
 */
export function clusterAccess(kubeconfig: string | undefined): ClusterAccess {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    // Its message may quote the file, which holds credentials.
    throw new InputError('the kubeconfig can not be read', { cause });
  }
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null || cluster.server === GUESS) {
    throw new InputError('no API server is configured: run in a pod, or give --kubeconfig');
  }
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return { settings: settingsOf(cluster, user), namespace };
}

function settingsOf(cluster: Cluster, user: User | null): AccessSettings {
  if (cluster.skipTLSVerify) throw unsupported('insecure-skip-tls-verify');
  if (cluster.proxyUrl !== undefined) throw unsupported('proxy-url');
  const server = URL.parse(cluster.server);
  if (server === null) throw new InputError('the kubeconfig names a server that is not a URL');
  const ca = source(cluster.caFile, cluster.caData);
  const cert = source(user?.certFile, user?.certData);
  const key = source(user?.keyFile, user?.keyData);
  const token = tokenOf(user);
  return {
    server,
    ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { client: { cert, key } }),
    ...(token === undefined ? {} : { token }),
  };
}

/** A pod's token is a file that is replaced; the library knows it as a provider by this name. */
function tokenOf(user: User | null): Source | undefined {
  if (user === null) return undefined;
  const { authProvider, exec, impersonateUser, password, token, username } = user;
  if (exec) throw unsupported('exec');
  if (username || password) throw unsupported('username and password');
  if (impersonateUser) throw unsupported('impersonation');
  if (authProvider?.name === 'tokenFile')
    return { kind: 'file', path: String(authProvider.config.tokenFile) };
  if (authProvider) throw unsupported('auth-provider');
  return token ? { kind: 'text', text: token } : undefined;
}

/** `-data` is base64 and wins over the file. */
function source(file: string | undefined, data: string | undefined): Source | undefined {
  if (data) return { kind: 'text', text: Buffer.from(data, 'base64').toString('utf8') };
  return file ? { kind: 'file', path: file } : undefined;
}

function unsupported(what: string): InputError {
  return new InputError(`the kubeconfig uses ${what}, which is not supported`);
}
