import { InputError } from '../core/coded-error.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is, as its URL says. */
export interface RedisTarget extends RedisCredentials {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** The server, the sentinels, or some nodes of the cluster. */
  readonly addresses: readonly RedisAddress[];
  readonly tls: boolean;
  /** Always 0 in a cluster. */
  readonly database: number;
  readonly sentinel?: { readonly master: string } & RedisCredentials;
}

const FORM =
  /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[-._a-zA-Z0-9]+)(?::(\d{1,5}))?$/;
const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;

/**
 * `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`, `redis+sentinel://…@HOST,HOST/MASTER[/DATABASE]` with
 * `?sentinelUsername=` and `?sentinelPassword=`, `redis+cluster://…@HOST,HOST`; `rediss` instead of `redis` for TLS.
 * User, password and parameters are percent-encoded. What stands before `@` without a colon is the password, as for
 * `redis-cli`.
 *
 * @throws InputError names the part and the rule, and repeats nothing of the URL, since it holds a password
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = FORM.exec(url.trim());
  if (parts === null) {
    throw new InputError(
      'the Redis URL must be such as redis://HOST:PORT, rediss:, redis+sentinel: or redis+cluster:',
    );
  }
  const [, scheme, mode = 'single', credentials = '', hosts = '', path = '', query = ''] = parts;
  const kind = mode === 'sentinel' || mode === 'cluster' ? mode : 'single';
  const addresses = hosts.split(',').map((host) => parseAddress(host, PORTS[kind]));
  if (kind === 'single' && addresses.length > 1) {
    throw new InputError(
      'the Redis URL has several hosts, which only redis+sentinel: and redis+cluster: may have',
    );
  }
  const segments = path.split('/').filter((segment) => segment !== '');
  const master = kind === 'sentinel' ? decode(segments.shift() ?? '', 'name of the master') : '';
  if (kind === 'sentinel' && master === '') {
    throw new InputError('the Redis URL must name the master: redis+sentinel://HOST,HOST/MASTER');
  }
  const sentinel = parseParameters(query, kind);
  return {
    kind,
    addresses,
    tls: scheme === 'rediss',
    database: parseDatabase(segments, kind),
    ...parseCredentials(credentials),
    ...(kind === 'sentinel' ? { sentinel: { master, ...sentinel } } : {}),
  };
}

function parseAddress(text: string, byDefault: number): RedisAddress {
  const parts = ADDRESS.exec(text);
  const port = Number(parts?.[2] ?? byDefault);
  if (parts === null || port < 1 || port > 65_535) {
    throw new InputError('the Redis URL has a host that is not HOST or HOST:PORT');
  }
  return { host: (parts[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

function parseDatabase([text = '0', ...more]: readonly string[], kind: RedisTarget['kind']): number {
  if (more.length > 0 || !/^\d{1,5}$/.test(text)) {
    throw new InputError('the Redis URL must end with the number of a database, such as /0');
  }
  if (kind === 'cluster' && Number(text) !== 0) throw new InputError('a Redis Cluster has only database 0');
  return Number(text);
}

function parseCredentials(text: string): RedisCredentials {
  if (text === '') return {};
  const colon = text.indexOf(':');
  if (colon < 0) return { password: decode(text, 'password') };
  const username = decode(text.slice(0, colon), 'user');
  return { ...(username === '' ? {} : { username }), password: decode(text.slice(colon + 1), 'password') };
}

function parseParameters(query: string, kind: RedisTarget['kind']): RedisCredentials {
  const parameters = query === '' ? [] : query.split('&');
  let credentials: RedisCredentials = {};
  for (const parameter of parameters) {
    const [, name, value = ''] = /^(sentinelUsername|sentinelPassword)=(.*)$/s.exec(parameter) ?? [];
    if (kind !== 'sentinel' || name === undefined) {
      throw new InputError(
        'the Redis URL has a parameter other than sentinelUsername and sentinelPassword of redis+sentinel:',
      );
    }
    const part = name === 'sentinelUsername' ? 'username' : 'password';
    if (part in credentials) throw new InputError(`the Redis URL has ${name} twice`);
    credentials = { ...credentials, [part]: decode(value, name) };
  }
  return credentials;
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InputError(`the ${what} in the Redis URL is not percent-encoded`);
  }
}
