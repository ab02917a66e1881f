import { parseArgs } from 'node:util';
import { UsageError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { LogLevel } from '../core/log.ts';
import { listenAddress, logLevel, withUsageErrors } from './arguments.ts';
import { otlpEndpoint, TRACING, TRACING_FLAG } from './open-telemetry.ts';

/** What `operator` is told by flags. */
export interface OperatorOptions {
  readonly image: string;
  /** Absent: that of the pod, or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly watchNamespace: string | undefined;
  /** Absent: the host's name. */
  readonly identity: string | undefined;
  readonly leaseName: string;
  readonly kubeconfig: string | undefined;
  readonly admin: ListenAddress | undefined;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

export const OPERATOR_USAGE = `Usage: tidegate operator --image IMAGE [--namespace NAMESPACE] [--watch-namespace NAMESPACE]
                         [--identity NAME] [--lease-name NAME] [--kubeconfig FILE]
                         [--listen-admin ADDRESS] [--otlp-endpoint URL] [--log-level LEVEL]

Runs what EventGateways ask for, and says in their status and that of JwtGuards how far it is. Any number of operators
may run; the one that holds the Lease works.

  --image IMAGE           of gateway and ingest pods: this program
  --namespace NAMESPACE   where the Lease is and this operator runs (default: the pod's own)
  --watch-namespace NAME  looks after this namespace only (default: all)
  --identity NAME         in the Lease and in Events (default: the host's name)
  --lease-name NAME       operators that share it take turns (default tidegate-operator)
  --kubeconfig FILE       how to reach the API server (default: KUBECONFIG, else ~/.kube/config, else as a pod does)
  --listen-admin ADDRESS  [HOST:]PORT or off: /livez /readyz /metrics /status (default 127.0.0.1:7190)
${TRACING_FLAG}                          and so do the gateway pods that it makes
  --log-level LEVEL       debug, info, warn, error or silent (default info)

TIDEGATE_JWKS_HOSTS in the environment: hosts that guards may name in jwks.uri, with commas between (default: any).

SIGTERM: what is under way is finished, the Lease is given back. A second one ends at once.
`;

export function parseOperatorOptions(args: readonly string[]): OperatorOptions {
  const { positionals, values } = withUsageErrors(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        image: { type: 'string' },
        namespace: { type: 'string' },
        'watch-namespace': { type: 'string' },
        identity: { type: 'string' },
        'lease-name': { type: 'string', default: 'tidegate-operator' },
        kubeconfig: { type: 'string' },
        'listen-admin': { type: 'string', default: '127.0.0.1:7190' },
        'log-level': { type: 'string', default: 'info' },
        ...TRACING,
      },
    }),
  );
  if (positionals.length > 0) throw new UsageError('operator takes flags only');
  if (!values.image) throw new UsageError('operator needs --image, the image of gateway and ingest pods');
  return {
    image: values.image,
    namespace: values.namespace,
    watchNamespace: values['watch-namespace'],
    identity: values.identity,
    leaseName: values['lease-name'],
    kubeconfig: values.kubeconfig,
    admin: listenAddress('listen-admin', values['listen-admin']),
    logLevel: logLevel(values['log-level']),
    otlpEndpoint: otlpEndpoint(values['otlp-endpoint']),
  };
}
