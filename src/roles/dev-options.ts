import { parseArgs } from 'node:util';
import { UsageError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { LogLevel } from '../core/log.ts';
import { listenAddress, logLevel, withUsageErrors } from './arguments.ts';
import { DEFAULT_FILE, DEFAULT_STATE_DIR } from './defaults.ts';
import { otlpEndpoint, TRACING, TRACING_FLAG } from './open-telemetry.ts';

export interface DevOptions {
  readonly file: string;
  readonly stateDir: string;
  readonly secretsDir: string | undefined;
  readonly logLevel: LogLevel;
  /** Whether the port of revocations may be another one, since nobody has chosen it. */
  readonly anyRevocationsPort: boolean;
  readonly otlpEndpoint: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly listen: Readonly<
    Record<'tls' | 'http' | 'ingest' | 'publish' | 'admin' | 'revocations', ListenAddress | undefined>
  >;
}

export const DEV_USAGE = `Usage: tidegate dev [FILE] [--listen-tls ADDRESS] [--listen-http ADDRESS] [--listen-ingest ADDRESS]
                    [--listen-publish ADDRESS] [--listen-admin ADDRESS] [--listen-revocations ADDRESS]
                    [--tls-cert FILE --tls-key FILE] [--secrets-dir DIR] [--state-dir DIR] [--log-level LEVEL]

Runs everything in one process on an in-memory bus: streams, ingest, admin, and a page to look at them. The configuration
is FILE (default ${DEFAULT_FILE}), watched: a good change applies at once, a bad one is told and changes nothing.
On first start it makes a certificate for localhost and signing keys for \`tidegate token\` in the state directory.

  ADDRESS is [HOST:]PORT or off; the defaults are
    --listen-tls     127.0.0.1:7143   streams over HTTP/2 and HTTP/1.1, and the page
    --listen-http    off              streams over clear text
    --listen-ingest  127.0.0.1:7001   newline-delimited JSON over TCP
    --listen-publish 127.0.0.1:7002   the same by POST /publish
    --listen-admin   127.0.0.1:7190   /livez /readyz /metrics /status
    --listen-revocations 127.0.0.1:7191   POST /revocations /backchannel-logout/GUARD; another
                     port where a second \`dev\` has that one
  --tls-cert, --tls-key   a certificate of your own, re-read when the files change
  --secrets-dir DIR       where references of the configuration resolve to (default STATE-DIR/secrets)
  --state-dir DIR         default ${DEFAULT_STATE_DIR}
${TRACING_FLAG}  --log-level LEVEL       debug, info, warn, error or silent (default info)
`;

export function parseDevOptions(args: readonly string[]): DevOptions {
  const { positionals, values } = withUsageErrors(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'listen-tls': { type: 'string', default: '127.0.0.1:7143' },
        'listen-http': { type: 'string', default: 'off' },
        'listen-ingest': { type: 'string', default: '127.0.0.1:7001' },
        'listen-publish': { type: 'string', default: '127.0.0.1:7002' },
        'listen-admin': { type: 'string', default: '127.0.0.1:7190' },
        'listen-revocations': { type: 'string' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        'secrets-dir': { type: 'string' },
        'state-dir': { type: 'string', default: DEFAULT_STATE_DIR },
        'log-level': { type: 'string', default: 'info' },
        ...TRACING,
      },
    }),
  );
  const [file = DEFAULT_FILE, surplus] = positionals;
  if (surplus !== undefined) throw new UsageError('dev takes one FILE');
  if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
    throw new UsageError('--tls-cert and --tls-key belong together');
  }
  return {
    file,
    stateDir: values['state-dir'],
    secretsDir: values['secrets-dir'],
    logLevel: logLevel(values['log-level']),
    otlpEndpoint: otlpEndpoint(values['otlp-endpoint']),
    tlsCert: values['tls-cert'],
    tlsKey: values['tls-key'],
    anyRevocationsPort: values['listen-revocations'] === undefined,
    listen: {
      tls: listenAddress('listen-tls', values['listen-tls']),
      http: listenAddress('listen-http', values['listen-http']),
      ingest: listenAddress('listen-ingest', values['listen-ingest']),
      publish: listenAddress('listen-publish', values['listen-publish']),
      admin: listenAddress('listen-admin', values['listen-admin']),
      revocations: listenAddress('listen-revocations', values['listen-revocations'] ?? '127.0.0.1:7191'),
    },
  };
}
