import { parseArgs } from 'node:util';
import { UsageError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { LogLevel } from '../core/log.ts';
import { listenAddress, logLevel, withUsageErrors } from './arguments.ts';
import { otlpEndpoint, TRACING } from './open-telemetry.ts';

/** What `gateway` and `ingest` are told by flags. */
export interface ServerOptions {
  readonly from:
    | { readonly kind: 'file'; readonly file: string }
    /** `namespace` is the pod's own, and `kubeconfig` absent, in a pod. */
    | {
        readonly kind: 'cluster';
        readonly name: string;
        readonly namespace: string | undefined;
        readonly kubeconfig: string | undefined;
      };
  readonly secretsDir: string | undefined;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** Absent: the flag was not given, so the role decides. */
  readonly listen: Readonly<Partial<Record<ListenerName, ListenAddress | 'off'>>>;
}

const LISTENERS = ['tls', 'http', 'ingest', 'publish', 'admin', 'revocations'] as const;
export type ListenerName = (typeof LISTENERS)[number];

export const SERVER_FLAGS = `  --name NAME             the EventGateway whose configuration is taken from the cluster, instead of FILE
  --namespace NAMESPACE   where it is (default: the pod's own)
  --kubeconfig FILE       how to reach the API server from outside of a pod
  --secrets-dir DIR       where references of the configuration resolve to: DIR/NAME/KEY
  --log-level LEVEL       debug, info, warn, error or silent (default info)
`;

/** @param names the listeners that the role has */
export function parseServerOptions(
  role: string,
  names: readonly ListenerName[],
  args: readonly string[],
): ServerOptions {
  const { positionals, values } = withUsageErrors(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'listen-tls': { type: 'string' },
        'listen-http': { type: 'string' },
        'listen-ingest': { type: 'string' },
        'listen-publish': { type: 'string' },
        'listen-admin': { type: 'string' },
        'listen-revocations': { type: 'string' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        'secrets-dir': { type: 'string' },
        name: { type: 'string' },
        namespace: { type: 'string' },
        kubeconfig: { type: 'string' },
        'log-level': { type: 'string', default: 'info' },
        ...TRACING,
      },
    }),
  );
  const [file, surplus] = positionals;
  const { kubeconfig, name, namespace } = values;
  if (surplus !== undefined || (file === undefined) === (name === undefined)) {
    throw new UsageError(`${role} takes one FILE, or --name NAME`);
  }
  if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
    throw new UsageError('--tls-cert and --tls-key belong together');
  }
  const foreign = LISTENERS.find((name) => !names.includes(name) && values[`listen-${name}`] !== undefined);
  if (foreign !== undefined) throw new UsageError(`${role} has no listener ${foreign}`);
  const unknown =
    role === 'gateway' ? undefined : Object.keys(TRACING).find((flag) => Object.hasOwn(values, flag));
  if (unknown !== undefined) throw new UsageError(`${role} has no streams, so no --${unknown}`);
  const listen = names.flatMap((name) => {
    const text = values[`listen-${name}`];
    return text === undefined ? [] : [[name, listenAddress(`listen-${name}`, text) ?? 'off'] as const];
  });
  return {
    from:
      name === undefined
        ? { kind: 'file', file: file ?? '' }
        : { kind: 'cluster', name, namespace, kubeconfig },
    secretsDir: values['secrets-dir'],
    logLevel: logLevel(values['log-level']),
    otlpEndpoint: otlpEndpoint(values['otlp-endpoint']),
    tlsCert: values['tls-cert'],
    tlsKey: values['tls-key'],
    listen: Object.fromEntries(listen),
  };
}

/** What the flag says, else the port on all addresses or, for `admin`, on loopback. */
export function addressOf(
  { listen }: ServerOptions,
  name: ListenerName,
  byDefault: ListenAddress | undefined,
): ListenAddress | undefined {
  const told = listen[name];
  return told === 'off' ? undefined : (told ?? byDefault);
}
