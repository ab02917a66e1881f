import { parseArgs } from 'node:util';
import { UsageError } from '../core/coded-error.ts';
import { revocationsTokenFile } from '../dev/state.ts';
import { withUsageErrors } from './arguments.ts';
import { DEFAULT_STATE_DIR } from './defaults.ts';
import { readCa } from './listen-options.ts';

export interface RevokeOptions {
  readonly url: URL;
  readonly tokenFile: string;
  /** PEM, in place of the system's roots. */
  readonly ca: string | undefined;
  /** As `POST /revocations` takes it. */
  readonly body: Readonly<Record<string, string | number>>;
}

const DEFAULT_URL = 'http://127.0.0.1:7191';
export const DEFAULT_TOKEN_FILE = revocationsTokenFile(DEFAULT_STATE_DIR);

export const REVOKE_USAGE = `Usage: tidegate revoke [--url URL] --guard GUARD (--subject SUBJECT | --session SESSION | --token-id ID)
                       [--before TIME] [--token-file FILE] [--ca FILE]

Revokes tokens of a guard at one gateway, for all gateways that share its Redis: streams that were opened with them end
within a second, and they come in no more. The ids of sessions and tokens are the claims sid and jti, unless the guard
says otherwise.

  --url URL           the port of revocations (default ${DEFAULT_URL})
  --before TIME       only tokens issued before it: seconds since 1970, or a date such as 2026-01-31T12:00:00Z
                      (default: now, and of a token's id whenever it was issued)
  --ca FILE           CA certificates to trust instead of the system's (PEM), for https
  --token-file FILE   holds the credential for revocations in its first line (default ${DEFAULT_TOKEN_FILE})

Exit code 0: it is stored. 1: it is refused. 3: the gateway, or its Redis, can't be reached; repeating it is safe.
`;

/** @throws UsageError, InputError; no message repeats a URL or whom it is about */
export function parseRevokeOptions(args: readonly string[]): RevokeOptions {
  const { values } = withUsageErrors(() =>
    parseArgs({
      args: [...args],
      options: {
        url: { type: 'string', default: DEFAULT_URL },
        guard: { type: 'string' },
        subject: { type: 'string' },
        session: { type: 'string' },
        'token-id': { type: 'string' },
        before: { type: 'string' },
        ca: { type: 'string' },
        'token-file': { type: 'string', default: DEFAULT_TOKEN_FILE },
      },
    }),
  );
  const { before, guard, session, subject, 'token-id': tokenId } = values;
  if (guard === undefined || guard === '') throw new UsageError('--guard is needed, the name of a JwtGuard');
  const targets = Object.entries({ subject, session, tokenId }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  if (targets.length !== 1) throw new UsageError('one of --subject, --session and --token-id is needed');
  return {
    url: revocationsUrl(values.url),
    tokenFile: values['token-file'],
    ca: values.ca === undefined ? undefined : readCa(values.ca),
    body: {
      guard,
      ...Object.fromEntries(targets),
      ...(before === undefined ? {} : { before: seconds(before) }),
    },
  };
}

function revocationsUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--url must be that of a port of revocations, such as ${DEFAULT_URL}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--url must not hold a user name or password');
  }
  // A proxy may serve it below a path of its own.
  if (!url.pathname.endsWith('/revocations')) {
    url.pathname = `${url.pathname.replace(/\/$/, '')}/revocations`;
  }
  return url;
}

function seconds(text: string): number {
  const isDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d)$/.test(text);
  const value = isDate
    ? Date.parse(text) / 1000
    : /^\d{1,12}(\.\d+)?$/.test(text)
      ? Number(text)
      : Number.NaN;
  if (Number.isNaN(value)) {
    throw new UsageError('--before must be seconds since 1970, or a date such as 2026-01-31T12:00:00Z');
  }
  return value;
}
